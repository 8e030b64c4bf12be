package docker

import (
	"os"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
)

func realDocker(t testing.TB) string {
	url := os.Getenv("ATOMIC_TEST_DOCKER")
	if url == "" {
		t.Skip("no ATOMIC_TEST_DOCKER")
	}
	return url
}

func open(t testing.TB, host string) *Engine {
	t.Helper()
	e, err := New(host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) images.Engine { return open(t, realDocker(t)) })
}

func TestBrokenEngine(t *testing.T) {
	enginetest.RunBroken(t, func(t *testing.T) (sound, broken images.Engine, line enginetest.Line) {
		wire := enginetest.NewWire(t, realDocker(t))
		return open(t, realDocker(t)), open(t, wire.URL), wire
	})
}
