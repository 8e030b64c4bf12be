// Package real tells a test where the real engines are.
//
// The engines are started and ended by the command tests/bed, which hands
// their addresses over in environment variables. A test asks for an address
// and is skipped when there is none, except where the engines were promised:
// there a missing address is a fault of the set-up, and a skip would hide it.
package real

import (
	"os"
	"strings"
	"testing"
)

// The variables through which tests/bed speaks to the tests it runs.
const (
	// DockerVar holds the unix:// URL of a private dockerd.
	DockerVar = "ATOMIC_TEST_DOCKER"
	// PodmanVar holds the unix:// URL of a private podman system service.
	PodmanVar = "ATOMIC_TEST_PODMAN"
	// PromiseVar, when not empty, says that every engine is there, so that
	// a missing one fails a test instead of skipping it.
	PromiseVar = "ATOMIC_TEST_REAL"
)

// Docker returns the URL of a running dockerd, as in unix:///tmp/bed/docker.sock.
// Without one it skips the test, or fails it where $CI or [PromiseVar] is set.
func Docker(t testing.TB) string {
	t.Helper()
	return address(t, DockerVar, "docker")
}

// Podman returns the URL of a running podman service, as in
// unix:///tmp/bed/podman.sock. Without one it skips the test, or fails it
// where $CI or [PromiseVar] is set.
func Podman(t testing.TB) string {
	t.Helper()
	return address(t, PodmanVar, "podman")
}

func address(t testing.TB, variable, engine string) string {
	t.Helper()
	url := os.Getenv(variable)
	switch {
	case strings.HasPrefix(url, "unix:///"):
		return url
	case url != "":
		t.Fatalf("%s=%q is not a unix:// URL of an absolute path", variable, url)
	case os.Getenv("CI") != "" || os.Getenv(PromiseVar) != "":
		t.Fatalf("no %s to test against: %s is empty", engine, variable)
	default:
		t.Skipf("no %s to test against: run under `go run ./tests/bed exec --%s -- go test`", engine, engine)
	}
	return ""
}
