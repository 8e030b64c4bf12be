package docker

import (
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/tests/real"
)

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
	enginetest.Run(t, func(t *testing.T) images.Engine { return open(t, real.Docker(t)) })
}

func TestBrokenEngine(t *testing.T) {
	enginetest.RunBroken(t, func(t *testing.T) (sound, broken images.Engine, line enginetest.Line) {
		wire := enginetest.NewWire(t, real.Docker(t))
		return open(t, real.Docker(t)), open(t, wire.URL), wire
	})
}
