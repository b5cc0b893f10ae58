/* Stands before the interpreter's own Python.h and adds what the Go binding
 * (written for 3.7) still names and newer Pythons have dropped. None of these
 * is ever called; they only have to compile and link. */
#ifndef FTD_COMPAT_PYTHON_H
#define FTD_COMPAT_PYTHON_H

#include_next <Python.h>

#if PY_VERSION_HEX >= 0x03090000
/* Functions, since cgo does not see macros with arguments. */
static inline int PyDict_ClearFreeList(void) { return 0; }
static inline int PyFloat_ClearFreeList(void) { return 0; }
static inline int PyList_ClearFreeList(void) { return 0; }
static inline int PyTuple_ClearFreeList(void) { return 0; }
static inline void PyEval_ReInitThreads(void) {}
#endif

/* Declared everywhere, exported by no libpython since 3.8. */
#define PySignal_SetWakeupFd(fd) ((void)(fd), -1)

#endif
