// Package api holds what travels over ftd's socket: jobs, steps, attempts,
// training points, events and errors, and the Go client that fetches them.
//
// It is the only vocabulary that ftctl and the daemon share. It has no logic
// beyond encoding and the HTTP client, and imports nothing else of this
// project, so another program can use it to talk to a running daemon.
//
// A job is one recipe being carried out. It has steps; a step is carried out
// in attempts; an attempt of a training has ranks. Identifiers are opaque,
// sort by time of creation, and may be shortened to any unique prefix.
//
// JSON is a contract: fields may be added, none goes away. Times are RFC 3339
// in UTC, durations are seconds, sizes are bytes. Numbers that JSON cannot
// hold are the strings "NaN", "Infinity" and "-Infinity" (see [Float]).
package api
