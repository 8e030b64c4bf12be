// Package real tells tests where the real engines are. "go run ./tests/bed
// exec" starts them and sets the variables.
package real

import (
	"os"
	"testing"
)

// The variables that hold the engines' addresses, and those that say that the
// engines must be there.
const (
	dockerVariable = "ATOMIC_TEST_DOCKER"
	podmanVariable = "ATOMIC_TEST_PODMAN"
	mustVariable   = "ATOMIC_TEST_REAL"
	ciVariable     = "CI"
)

// Docker returns the unix:// URL of a real Docker engine, or skips the test
// when there is none. Where $CI or $ATOMIC_TEST_REAL is set it fails the test
// instead, so that a run that should have had engines cannot pass without.
func Docker(t testing.TB) string {
	t.Helper()
	return address(t, dockerVariable)
}

// Podman is to Podman as [Docker] is to Docker.
func Podman(t testing.TB) string {
	t.Helper()
	return address(t, podmanVariable)
}

func address(t testing.TB, variable string) string {
	t.Helper()
	url := os.Getenv(variable)
	switch {
	case url != "":
		return url
	case os.Getenv(mustVariable) != "" || os.Getenv(ciVariable) != "":
		t.Fatalf("%s is not set: run the tests with make test", variable)
	default:
		t.Skipf("%s is not set: run the tests with make test", variable)
	}
	return ""
}
