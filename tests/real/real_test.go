package real_test

import (
	"runtime"
	"testing"

	"github.com/projectatomic/atomic/tests/real"
)

// A recorder is a test that is asked for an engine: it notes how it ended.
type recorder struct {
	testing.TB
	end string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(string, ...any) {
	r.end = "failed"
	runtime.Goexit()
}

func (r *recorder) Skipf(string, ...any) {
	r.end = "skipped"
	runtime.Goexit()
}

func TestAddress(t *testing.T) {
	const url = "unix:///run/some.sock"
	tests := []struct {
		name          string
		url, must, ci string
		want          string
	}{
		{name: "nothing set", want: "skipped"},
		{name: "address", url: url, want: url},
		{name: "address and both", url: url, must: "1", ci: "true", want: url},
		{name: "real engines asked for", must: "1", want: "failed"},
		{name: "continuous integration", ci: "true", want: "failed"},
	}
	engines := map[string]func(testing.TB) string{
		"ATOMIC_TEST_DOCKER": real.Docker,
		"ATOMIC_TEST_PODMAN": real.Podman,
	}
	for variable, ask := range engines {
		for _, tt := range tests {
			t.Run(variable+"/"+tt.name, func(t *testing.T) {
				for _, v := range []string{"ATOMIC_TEST_DOCKER", "ATOMIC_TEST_PODMAN"} {
					t.Setenv(v, "")
				}
				t.Setenv(variable, tt.url)
				t.Setenv("ATOMIC_TEST_REAL", tt.must)
				t.Setenv("CI", tt.ci)

				r := &recorder{TB: t}
				done := make(chan struct{})
				go func() {
					defer close(done)
					r.end = ask(r)
				}()
				<-done
				if r.end != tt.want {
					t.Errorf("got %q, want %q", r.end, tt.want)
				}
			})
		}
	}
}
