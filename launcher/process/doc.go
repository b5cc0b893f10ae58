// Package process knows processes by who they are and not only by their pid,
// finds all processes that belong together, and signals them without ever
// touching a stranger. It reads /proc and nothing else, and imports next to
// nothing: the shim that holds a training for weeks is built from it.
package process
