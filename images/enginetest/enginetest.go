// Package enginetest is the suite that every images.Engine passes. It turns
// the sentences of that contract into tests, grouped by the method that each
// is about.
//
// A new engine's test is this:
//
//	func open(t *testing.T, url string) images.Engine {
//		e, err := docker.New(url)
//		if err != nil {
//			t.Fatal(err)
//		}
//		t.Cleanup(func() { e.Close() })
//		return e
//	}
//
//	func TestEngine(t *testing.T) {
//		url := real.Docker(t)
//		enginetest.Run(t, func(t *testing.T) images.Engine { return open(t, url) })
//	}
//
//	func TestBrokenEngine(t *testing.T) {
//		url := real.Docker(t)
//		enginetest.RunBroken(t, func(t *testing.T) (sound, broken images.Engine, line enginetest.Line) {
//			wire := enginetest.NewWire(t, url)
//			return open(t, url), open(t, wire.URL), wire
//		})
//	}
//
// The suite needs nothing of the engine: it brings its image, a busybox made
// from the one of this machine, and its registry, which listens on loopback,
// so the engine must run on the same machine. The names it uses are unique and
// it cleans up after itself, so the engine may hold other things and other
// suites may run on it at the same time.
//
// Archive, Image, Registry and Wire are of use to other tests too.
package enginetest

import (
	"context"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
)

// limit is how long one test may take; it is the deadline of its context.
const limit = 60 * time.Second

// promptly is how long a call may take to notice that it is over.
const promptly = 5 * time.Second

// A test checks one thing that the contract says of a method.
type test struct {
	name string
	run  func(ctx context.Context, t *testing.T, b *bench)
}

// A group is the tests of one method.
type group struct {
	method string
	tests  []test
}

// groups are all tests that need nothing but a sound engine.
func groups() []group {
	return []group{
		{"Info", infoTests()},
		{"Check", checkTests()},
		{"Image", imageTests()},
		{"Images", imagesTests()},
		{"Tag", tagTests()},
		{"RemoveImage", removeImageTests()},
		{"Save", saveTests()},
		{"Load", loadTests()},
		{"Pull", append(pullTests(), brokenPullTests()...)},
		{"Create", createTests()},
		{"Container", containerTests()},
		{"Containers", containersTests()},
		{"Rename", renameTests()},
		{"Start", startTests()},
		{"Stop", stopTests()},
		{"Kill", killTests()},
		{"Remove", removeTests()},
		{"Attach", append(attachTests(), terminalTests()...)},
		{"Exec", execTests()},
		{"Wait", waitTests()},
		{"Logs", logsTests()},
		{"Events", eventsTests()},
		{"References", referenceTests()},
		{"Contexts", contextTests()},
	}
}

// Run checks that an engine keeps the contract of images.Engine. open opens
// the engine and registers what closes it with t.Cleanup; it is called twice,
// the second time to see that closing leaves no goroutine behind. The tests
// use the first engine from many goroutines.
//
// Do not run it in parallel with other tests: these could not be told from a
// leak.
func Run(t *testing.T, open func(t *testing.T) images.Engine) {
	t.Helper()
	t.Run("Close", func(t *testing.T) { leaks(t, open) })
	b := newBench(t, open(t))
	for _, g := range groups() {
		t.Run(g.method, func(t *testing.T) {
			t.Parallel()
			for _, c := range g.tests {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					ctx, cancel := context.WithTimeout(t.Context(), limit)
					defer cancel()
					c.run(ctx, t, b)
				})
			}
		})
	}
}
