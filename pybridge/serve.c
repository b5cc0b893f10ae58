//go:build python

/* What a call does while it has the GIL. It is C since each step from Go into
 * Python and back costs as much as the step itself, and there were forty. */

#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static PyObject *call(PyObject *function, const char *text, size_t length)
{
	PyObject *argument = PyBytes_FromStringAndSize(text, (Py_ssize_t)length);
	if (!argument)
		return NULL;
	PyObject *result = PyObject_CallFunctionObjArgs(function, argument, NULL);
	Py_DECREF(argument);
	return result;
}

/* Copies bytes out of Python's memory; anything else is no answer. */
static void take(struct served *s, PyObject *result)
{
	if (PyBytes_Check(result) && (s->answer = malloc((size_t)PyBytes_GET_SIZE(result) + 1))) {
		s->length = (size_t)PyBytes_GET_SIZE(result);
		memcpy(s->answer, PyBytes_AS_STRING(result), s->length);
	}
	Py_DECREF(result);
}

/* An exception that comes out of any of the three is kept, the first one if
 * there are two: leave is called whatever happened. */
struct served serve(struct bridge *b, uint64_t id, const char *header, size_t header_length,
                    const char *args, size_t args_length)
{
	struct served s = {0};
	PyObject *kind = NULL, *value = NULL, *trace = NULL;

	PyEval_RestoreThread(b->saved);
	PyObject *result = call(b->enter, header, header_length);
	if (result == Py_None) {
		Py_DECREF(result);
		s.entered = 1;
		b->running = id;
		result = call(b->run, args, args_length);
		b->running = 0;
		/* Takes back an interrupt that came too late to be noticed. */
		PyThreadState_SetAsyncExc(b->ident, NULL);
	}
	if (result)
		take(&s, result);
	else
		PyErr_Fetch(&kind, &value, &trace);
	result = PyObject_CallFunctionObjArgs(b->leave, NULL);
	if (kind) {
		PyErr_Clear();
		PyErr_Restore(kind, value, trace);
	}
	Py_XDECREF(result);
	s.raised = kind || !result;
	if (!s.raised)
		b->saved = PyEval_SaveThread();
	return s;
}
