package podman

import (
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/tests/real"
)

// open opens the engine at url until the test ends.
func open(t testing.TB, url string) *Engine {
	t.Helper()
	e, err := New(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func TestEngine(t *testing.T) {
	url := real.Podman(t)
	enginetest.Run(t, func(t *testing.T) images.Engine { return open(t, url) })
}

func TestBrokenEngine(t *testing.T) {
	url := real.Podman(t)
	enginetest.RunBroken(t, func(t *testing.T) (images.Engine, images.Engine, enginetest.Line) {
		line := enginetest.NewWire(t, url)
		return open(t, url), open(t, line.URL), line
	})
}
