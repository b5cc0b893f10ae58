//go:build python

package pybridge

// #include <locale.h>
// #include "Python.h"
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
	streams *streams
	saved   *python3.PyThreadState
	ident   C.ulong

	enter, run, leave *python3.PyObject
	cancelled         *python3.PyObject

	// running is the call that may be interrupted; it is changed and read
	// only by whoever holds the GIL.
	running *call
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
	streams, err := keepStreams()
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
	t.ident = C.PyThread_get_thread_ident()
	in.facts, err = t.connect(in.config.Library, s)
	t.saved = python3.PyEval_SaveThread()
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
	for name, object := range map[string]**python3.PyObject{
		"enter": &t.enter, "run": &t.run, "leave": &t.leave, "Cancelled": &t.cancelled,
	} {
		if *object = bridge.GetAttrString(name); *object == nil {
			return f, pendingError()
		}
	}
	config, err := json.Marshal(s)
	if err != nil {
		return f, err
	}
	text, err := callBytes(bridge.GetAttrString("start"), string(config))
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal([]byte(text), &f)
}

// interrupt raises Cancelled in a call if it is the one that runs and there is
// still reason to.
func (t *thread) interrupt(c *call, reason func() bool) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	gil := python3.PyGILState_Ensure()
	defer python3.PyGILState_Release(gil)
	if t.running == c && reason() {
		C.interrupt(t.ident, (*C.PyObject)(unsafe.Pointer(t.cancelled)))
	}
}

// setRunning must be called with the GIL. Taking the call away also takes
// back an interrupt that came too late to be noticed.
func (t *thread) setRunning(c *call) {
	t.running = c
	if c == nil {
		C.interrupt(t.ident, nil)
	}
}

// callBytes calls a function of the Python side with bytes. None is "".
func callBytes(f *python3.PyObject, argument string) (string, error) {
	bytes := python3.PyBytes_FromString(argument)
	if f == nil || bytes == nil {
		return "", pendingError()
	}
	defer bytes.DecRef()
	result := f.CallFunctionObjArgs(bytes)
	if result == nil {
		return "", pendingError()
	}
	defer result.DecRef()
	if !python3.PyBytes_Check(result) {
		return "", nil
	}
	return python3.PyBytes_AsString(result), nil
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
