//go:build python

package pybridge

// All flags of the C compiler and the linker are in this file. pkg-config is
// answered from the python3.pc that scripts/build.sh generates.
// --export-dynamic makes the guard's functions visible to shared libraries,
// which is what the guard lives by.

/*
#cgo pkg-config: python3
#cgo CFLAGS: -Wall -Werror=implicit-function-declaration
#cgo LDFLAGS: -Wl,--export-dynamic -ldl -lpthread
*/
import "C"
