// Package unpack takes an archive apart: zip, tar, tar.gz, tar.bz2 and tar.xz,
// told apart by their first bytes.
//
//	summary, err := unpack.Unpack(ctx, "data.zip", "/data/alpaca", unpack.Limits{}, nil)
//
// The target directory appears when all is there, and not before. Nothing is
// written outside of it: names that lead out are an error, and what is written
// goes through an [os.Root], which a symbolic link cannot leave either. Links
// that point out of the target, devices and pipes are errors. An archive that
// grows beyond [Limits] is a bomb. An encrypted zip is named as such.
package unpack
