package real_test

import (
	"runtime"
	"testing"

	"github.com/projectatomic/atomic/tests/real"
)

// recorder is a testing.TB that keeps the verdict instead of acting on it.
type recorder struct {
	testing.TB
	verdict string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(string, ...any) { r.end("fatal") }

func (r *recorder) Skipf(string, ...any) { r.end("skip") }

// end leaves the goroutine as the real Fatalf and Skipf do.
func (r *recorder) end(verdict string) {
	r.verdict = verdict
	runtime.Goexit()
}

func TestAddress(t *testing.T) {
	const sock = "unix:///run/bed/engine.sock"
	for _, test := range []struct {
		name, url, ci, promise string
		want, verdict          string
	}{
		{name: "there", url: sock, want: sock},
		{name: "there in CI", url: sock, ci: "true", want: sock},
		{name: "absent", verdict: "skip"},
		{name: "absent in CI", ci: "true", verdict: "fatal"},
		{name: "absent though promised", promise: "1", verdict: "fatal"},
		{name: "not a unix URL", url: "tcp://127.0.0.1:2375", verdict: "fatal"},
		{name: "relative", url: "unix://engine.sock", verdict: "fatal"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for variable, ask := range map[string]func(testing.TB) string{
				real.DockerVar: real.Docker,
				real.PodmanVar: real.Podman,
			} {
				t.Setenv(real.DockerVar, "")
				t.Setenv(real.PodmanVar, "")
				t.Setenv("CI", test.ci)
				t.Setenv(real.PromiseVar, test.promise)
				t.Setenv(variable, test.url)
				got, verdict := outcome(t, ask)
				if got != test.want || verdict != test.verdict {
					t.Errorf("%s: got %q, %q; want %q, %q", variable, got, verdict, test.want, test.verdict)
				}
			}
		})
	}
}

// outcome asks from a goroutine of its own, which the recorder may end.
func outcome(t *testing.T, ask func(testing.TB) string) (url, verdict string) {
	rec := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		url = ask(rec)
	}()
	<-done
	return url, rec.verdict
}
