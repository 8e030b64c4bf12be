// Command atomic turns the RUN and INSTALL labels of container images into
// containers that administer the host.
//
// This package is the only one that knows the command line, the terminal and
// exit codes: one file a command, each with the command, its options and its
// run function. Everything a command touches comes from an [env], so that a
// test can hand it another world.
package main

import (
	"context"
	"os"
)

func main() {
	e := osEnv()
	os.Exit(e.main(context.Background(), os.Args))
}
