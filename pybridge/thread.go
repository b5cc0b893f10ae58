//go:build python

package pybridge

// #include <locale.h>
// #include <stdlib.h>
// #include "Python.h"
// #include "guard.h"
// #include "serve.h"
//
// // Python cannot do without its own thread, nor without the one that has the GIL.
// static __thread int owner;
// static int vital(void) { return owner || PyGILState_Check(); }
// static void own_python(void)
// {
//	owner = 1;
//	guard_needs(vital);
// }
//
// static void use_locale(int utf8)
// {
//	setlocale(LC_CTYPE, "");
//	if (utf8)
//		Py_UTF8Mode = 1;
// }
//
// static int interrupt(unsigned long thread, PyObject *exception)
// {
//	return PyThreadState_SetAsyncExc(thread, exception);
// }
import "C"

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	python3 "github.com/go-python/cpy3"
	"golang.org/x/sys/unix"
)

// thread is the OS thread that owns the interpreter, and what is called there.
type thread struct {
	streams   *streams
	bridge    C.struct_bridge
	cancelled *C.PyObject
}

func builtFor() string {
	return fmt.Sprintf("%d.%d", C.PY_MAJOR_VERSION, C.PY_MINOR_VERSION)
}

// own is the life of the interpreter's thread: it starts Python, which makes
// it Python's main thread, and then serves calls one after the other for ever.
func (in *Interpreter) own(s settings, ready chan<- error) {
	runtime.LockOSThread() // never unlocked
	// From here on this thread, and the threads that Python starts from it,
	// have a working directory and umask apart from those of the process.
	in.ownDir = unix.Unshare(unix.CLONE_FS) == nil
	t, err := in.load(s)
	if err != nil {
		ready <- err
		return
	}
	in.thread = t
	ready <- nil
	for {
		c := in.pop()
		in.done(c, in.serve(c))
	}
}

// load starts Python and leaves it without the GIL.
func (in *Interpreter) load(s settings) (*thread, error) {
	streams, err := keepStreams(in.config.Stray)
	if err != nil {
		return nil, err
	}
	t := &thread{streams: streams}
	C.use_locale(C.int(btoi(plainLocale(os.Getenv))))
	if err := python3.Py_SetPythonHome(in.probed.home()); err != nil {
		return nil, err
	}
	if err := python3.Py_SetProgramName(in.config.Program); err != nil {
		return nil, err
	}
	if v := minor(python3.Py_GetVersion()); v != BuiltFor() {
		return nil, fmt.Errorf("this daemon was built for Python %s, but the libpython it found is %s; start it by the command ftd, which finds the right one", BuiltFor(), v)
	}
	python3.Py_InitializeEx(false)
	t.bridge.ident = C.PyThread_get_thread_ident()
	C.own_python()
	in.facts, err = t.connect(in.config.Library, s)
	t.bridge.saved = C.PyEval_SaveThread()
	return t, err
}

// connect imports the bridge's Python side.
func (t *thread) connect(library string, s settings) (facts, error) {
	var f facts
	dir := python3.PyUnicode_FromString(library)
	path := python3.PySys_GetObject("path") // borrowed
	if dir == nil || path == nil || python3.PyList_Insert(path, 0, dir) != 0 {
		return f, pendingError()
	}
	dir.DecRef()
	bridge := python3.PyImport_ImportModule("ftd._bridge")
	if bridge == nil {
		return f, pendingError()
	}
	for name, object := range map[string]**C.PyObject{
		"enter": &t.bridge.enter, "run": &t.bridge.run, "leave": &t.bridge.leave, "Cancelled": &t.cancelled,
	} {
		found := bridge.GetAttrString(name)
		if found == nil {
			return f, pendingError()
		}
		*object = (*C.PyObject)(unsafe.Pointer(found))
	}
	config, err := json.Marshal(s)
	if err != nil {
		return f, err
	}
	start, argument := bridge.GetAttrString("start"), python3.PyBytes_FromString(string(config))
	if start == nil || argument == nil {
		return f, pendingError()
	}
	defer argument.DecRef()
	result := start.CallFunctionObjArgs(argument)
	if result == nil {
		return f, pendingError()
	}
	defer result.DecRef()
	return f, json.Unmarshal([]byte(python3.PyBytes_AsString(result)), &f)
}

// serve runs a call in Python: enter, run and leave.
func (t *thread) serve(id uint64, header []byte, args string) answer {
	served := C.serve(&t.bridge, C.uint64_t(id),
		(*C.char)(unsafe.Pointer(unsafe.SliceData(header))), C.size_t(len(header)),
		(*C.char)(unsafe.Pointer(unsafe.StringData(args))), C.size_t(len(args)))
	var a answer
	if served.answer != nil {
		text := bytes.Clone(unsafe.Slice((*byte)(unsafe.Pointer(served.answer)), served.length))
		C.free(unsafe.Pointer(served.answer))
		if served.entered != 0 {
			a = decodeAnswer(text)
		} else {
			a = answer{err: decodePyError(text)}
		}
	}
	switch {
	case served.raised != 0:
		err := pendingError()
		t.bridge.saved = C.PyEval_SaveThread()
		if a.err == nil {
			a = answer{err: err}
		}
	case served.answer == nil:
		a = answer{err: errors.New("the bridge's Python side gave no answer")}
	}
	return a
}

// interrupt raises Cancelled in a call if it is the one that runs and there is
// still reason to.
func (t *thread) interrupt(id uint64, reason func() bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	gil := python3.PyGILState_Ensure()
	defer python3.PyGILState_Release(gil)
	if uint64(t.bridge.running) == id && reason() {
		C.interrupt(t.bridge.ident, t.cancelled)
	}
}

// pendingError takes the exception that a C call left behind. Only the
// bridge's own code raises here, and Cancelled at a bad moment.
func pendingError() error {
	kind, value, trace := python3.PyErr_Fetch()
	if kind == nil {
		return errors.New("a call into Python failed without an exception")
	}
	kind, value, trace = python3.PyErr_NormalizeException(kind, value, trace)
	defer kind.DecRef()
	e := &PyError{Type: attribute(kind, "__module__") + "." + attribute(kind, "__qualname__")}
	if value != nil {
		e.Message = text(value)
		value.DecRef()
	}
	if trace != nil {
		trace.DecRef()
	}
	return e
}

func attribute(object *python3.PyObject, name string) string {
	value := object.GetAttrString(name)
	if value == nil {
		python3.PyErr_Clear()
		return "?"
	}
	defer value.DecRef()
	return text(value)
}

func text(object *python3.PyObject) string {
	s := object.Str()
	if s == nil {
		python3.PyErr_Clear()
		return "?"
	}
	defer s.DecRef()
	return python3.PyUnicode_AsUTF8(s)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// plainLocale tells whether the environment asks for no locale at all, as
// under systemd. The python command then uses UTF-8, an embedded one would
// use ASCII and fail on the first Chinese file name.
func plainLocale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := getenv(name); value != "" {
			return value == "C" || value == "POSIX"
		}
	}
	return true
}
