//go:build python && asan

package pybridge_test

func init() { growsAnyway = "the address sanitizer keeps freed memory to watch it" }
