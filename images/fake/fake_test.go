package fake_test

import (
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/images/fake"
)

func TestEngine(t *testing.T) {
	enginetest.Run(t, func(*testing.T) images.Engine { return fake.New() })
}

func TestBrokenEngine(t *testing.T) {
	enginetest.RunBroken(t, func(*testing.T) (sound, broken images.Engine, line enginetest.Line) {
		e := fake.New(fake.WithDeadline(200 * time.Millisecond))
		c := e.Client()
		return e, c, c
	})
}
