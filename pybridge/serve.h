/* One call into Python, in one crossing from Go. See serve.c. */
#ifndef FTD_SERVE_H
#define FTD_SERVE_H

#include "Python.h"

#include <stddef.h>
#include <stdint.h>

/* The interpreter's thread and the functions of ftd._bridge. */
struct bridge {
	PyThreadState *saved; /* of the thread, while it does not hold the GIL */
	unsigned long ident;
	PyObject *enter, *run, *leave;
	/* The call that may be interrupted, 0 for none; it is changed and read
	 * only by whoever holds the GIL. */
	uint64_t running;
};

struct served {
	char *answer;  /* of enter if that had a problem, else of run; to be freed */
	size_t length;
	int entered; /* whether the answer is that of run */
	int raised;  /* an exception is left, and with it the GIL */
};

struct served serve(struct bridge *b, uint64_t id, const char *header, size_t header_length,
                    const char *args, size_t args_length);

#endif
