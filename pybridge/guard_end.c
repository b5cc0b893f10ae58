//go:build python

/* The part of the guard that keeps foreign code from ending the process: by a
 * signal to itself, or by exit. */

#define _GNU_SOURCE
#include "guarded.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static int notify_fd = -1;
static atomic_int signals, last_signal;

#define NO_EXIT (-1)
static atomic_int last_exit = NO_EXIT;
static int (*vital)(void);
static atomic_int lost;

REAL(sigaction)
REAL(kill)
REAL(killpg)
REAL(raise)
REAL(sigqueue)
REAL(pthread_kill)
REAL(exit)
REAL(_exit)
REAL(_Exit)
REAL(quick_exit)

void end_ready(int notify)
{
	notify_fd = notify;
	real_sigaction();
	real_kill(), real_killpg(), real_raise(), real_sigqueue(), real_pthread_kill();
	real_exit(), real_quick_exit(), real__exit(), real__Exit();
}

int held_back(void) { return atomic_load(&signals); }

/* May run inside a signal handler: only what is safe there. */
static void announce(void)
{
	int saved = errno;
	if (write(notify_fd, "", 1) < 0) {
		/* The reader is busy with an earlier one, which is enough. */
	}
	errno = saved;
}

static int hold_back(int sig)
{
	atomic_store(&last_signal, sig);
	atomic_fetch_add(&signals, 1);
	announce();
	return 0;
}

int kill(pid_t pid, int sig)
{
	if (sig > 0 && guarding(CALLER) == GUARD_DAEMON &&
	    (pid == home || pid == 0 || pid == -1 || pid == -getpgrp()))
		return hold_back(sig);
	return real_kill()(pid, sig);
}

int killpg(pid_t group, int sig)
{
	if (sig > 0 && guarding(CALLER) == GUARD_DAEMON && (group == 0 || group == getpgrp()))
		return hold_back(sig);
	return real_killpg()(group, sig);
}

int raise(int sig)
{
	if (sig > 0 && guarding(CALLER) == GUARD_DAEMON)
		return hold_back(sig);
	return real_raise()(sig);
}

int sigqueue(pid_t pid, int sig, const union sigval value)
{
	if (sig > 0 && guarding(CALLER) == GUARD_DAEMON && pid == home)
		return hold_back(sig);
	return real_sigqueue()(pid, sig, value);
}

/* A library may signal its threads, if the signal is its own. */
int pthread_kill(pthread_t thread, int sig)
{
	struct sigaction current;
	if (sig > 0 && guarding(CALLER) == GUARD_DAEMON && real_sigaction()(sig, NULL, &current) == 0 &&
	    (is_go(&current) || sig == SIGKILL || sig == SIGSTOP))
		return hold_back(sig);
	return real_pthread_kill()(thread, sig);
}

/* The caller expects never to come back, so it never does: its thread sleeps
 * for the rest of the process, and whatever it holds with it. */
static void stay(int status)
{
	if (vital && vital())
		atomic_store(&lost, 1);
	atomic_store(&last_exit, status & 0xff);
	announce();
	for (;;)
		pause();
}

void exit(int status)
{
	if (guarding(CALLER) == GUARD_DAEMON)
		stay(status);
	real_exit()(status);
	__builtin_unreachable();
}

void quick_exit(int status)
{
	if (guarding(CALLER) == GUARD_DAEMON)
		stay(status);
	real_quick_exit()(status);
	__builtin_unreachable();
}

void _exit(int status)
{
	if (guarding(CALLER) == GUARD_DAEMON)
		stay(status);
	real__exit()(status);
	__builtin_unreachable();
}

void _Exit(int status)
{
	if (guarding(CALLER) == GUARD_DAEMON)
		stay(status);
	real__Exit()(status);
	__builtin_unreachable();
}

int guard_take_signal(void)
{
	return atomic_exchange(&last_signal, 0);
}

void guard_needs(int (*is_vital)(void)) { vital = is_vital; }

int guard_lost(void) { return atomic_load(&lost); }

int guard_take_exit(void)
{
	return atomic_exchange(&last_exit, NO_EXIT);
}

int guard_pending(void)
{
	return atomic_load(&last_signal) != 0 || atomic_load(&last_exit) != NO_EXIT;
}
