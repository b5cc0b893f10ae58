// Command ftd-shim holds one training: it is its parent, keeps its log and
// writes down how it ended. See package launcher/shim.
package main

import (
	"os"

	"ftd/launcher/shim"
)

// version is set by the build.
var version = "devel"

func main() { os.Exit(shim.Main(os.Args[1:], version)) }
