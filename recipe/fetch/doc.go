// Package fetch brings a file from the first of several places that has it.
//
//	result, err := fetch.Get(ctx, fetch.Request{
//		Sources: []string{"https://hub.example/data.zip", "/mnt/mirror/data.zip"},
//		Target:  "/data/data.zip",
//		Part:    "/data/data.zip.part",
//	})
//
// What arrives goes to Part, and takes the name Target when it is whole: has
// the size and the SHA-256 that were asked for, or else the size that the
// server said. A part that was left behind is taken up again by a range
// request, guarded by If-Range, so that the halves of two versions are never
// put together (RFC 9110, 13.1.5 and 14.2). With a checksum a part may go on
// from another mirror, since the end proves the whole.
//
// Nothing is written before the answer was looked at: an address whose
// signature has expired is named as such, by its query or by the error that
// the object store sends; a page of HTML where a file was asked for is a login
// or an error page, not the file.
//
// Errors are of type [fault.Fault]. Addresses are shown without their query
// and password, which may be all that it takes to read somebody's data.
package fetch
