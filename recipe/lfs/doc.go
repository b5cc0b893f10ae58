// Package lfs finds the pointers that a clone without git-lfs leaves in place
// of large files, and fetches the files themselves.
//
//	pointers, err := lfs.Find("chatglm-6b")
//	err = lfs.Fetch(ctx, lfs.Request{Pointers: pointers, Sources: []string{"https://hub.example/THUDM/chatglm-6b"}, ...})
//
// A pointer is a text of about 130 bytes: "version
// https://git-lfs.github.com/spec/v1", the SHA-256 and the size of the file
// (git-lfs, docs/spec.md). The batch protocol is one POST that tells the
// pointers and is answered with addresses (git-lfs, docs/api/batch.md); the
// files come by package fetch, with all that it does about broken lines and
// expired addresses, and are proved by their SHA-256. No git-lfs program is
// needed.
package lfs
