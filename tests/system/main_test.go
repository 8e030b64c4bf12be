// Package system_test runs the finished command against real engines on a
// real host, whose files it saves and gives back.
package system_test

import (
	"testing"

	"github.com/projectatomic/atomic/tests/system/built"
)

func TestMain(m *testing.M) { built.Main(m) }
