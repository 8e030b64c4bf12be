package podman

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/labels/run"
	"github.com/projectatomic/atomic/tests/real"
)

// sameFlags are command lines of which the engine makes the container that
// podman makes of them.
var sameFlags = []string{
	"",
	"--privileged",
	"--privileged --ipc=host --net=host --pid=host -e HOST=/host -v /run:/run -v /:/host",
	"-t -i",
	"--rm",
	"-e A=1 -e B= -e A=2",
	"--entrypoint=/bin/echo",
	"--entrypoint=",
	"--user=5:6 --group-add=7",
	"--workdir=/tmp",
	"--hostname=box",
	"--init",
	"--restart=always",
	"--restart=on-failure:3",
	"--stop-signal=SIGUSR1",
	"--stop-signal=SIGRTMIN+3",
	"--stop-timeout=42",
	"--health-cmd=true --health-interval=5s --health-retries=7",
	"--no-healthcheck",
	"-v /etc:/data -v /usr:/other:ro,z",
	"-v /etc:/data:rw,rslave,nosuid,nodev,noexec",
	"-v /tmp:/data:O",
	"-v podman-test-volume:/data:nocopy -v /anonymous",
	"--mount=type=bind,source=/etc,target=/data,readonly,bind-propagation=rslave",
	"--tmpfs=/data:size=64m,mode=1777,noexec",
	"--read-only",
	"--read-only -v /etc:/run",
	"--device=/dev/null:/dev/other:r --device=/dev/zero",
	"--device-cgroup-rule='c 42:* rmw'",
	"--net=none",
	"--net=bridge",
	"-p 8080:80 -p 127.0.0.1:9090:90/udp -p 53 -p 7000-7002:6000-6002",
	"--expose=1000-1002 --expose=53/udp -P",
	"--add-host=me:10.0.0.1 --dns=10.0.0.2 --dns-search=example.com --dns-option=ndots:2",
	"--network-alias=other --ip=10.88.77.66 --mac-address=92:d0:c6:0a:29:33",
	"--pid=host --uts=host --ipc=private",
	"--ipc=none --cgroupns=private",
	"--userns=host",
	"--cap-add=NET_ADMIN --cap-add=SYS_TIME --cap-drop=CHOWN",
	"--cap-drop=ALL",
	"--security-opt=label=disable --security-opt=no-new-privileges",
	"--security-opt=seccomp=unconfined --security-opt=mask=/proc/acpi:/proc/keys",
	"--security-opt=unmask=ALL --security-opt=apparmor=unconfined",
	"--sysctl=net.ipv4.ip_forward=1",
	"--memory=64m",
	"--memory=64m --memory-swap=128m --memory-reservation=32m --memory-swappiness=10",
	"--shm-size=1m",
	"--cpus=1.5",
	"--cpu-shares=512 --cpu-period=50000 --cpu-quota=25000 --cpuset-cpus=0",
	"--pids-limit=100",
	"--pids-limit=-1",
	"--oom-score-adj=100",
	"--ulimit=nofile=100:200 --ulimit=core=0",
	"--label=a=b --label=c --annotation=x=y",
	"--log-driver=k8s-file --log-opt=max-size=10m --log-opt=tag=x",
	"--log-driver=none",
	"--blkio-weight=100",
}

// parse reads a command line of run.
func parse(t *testing.T, flags, image string) run.Spec {
	t.Helper()
	line := strings.NewReplacer("'c 42:* rmw'", "c\x0042:*\x00rmw").Replace(flags)
	var words []run.Word
	for _, w := range append(strings.Fields(line), image, "sleep", "10") {
		words = append(words, run.Word{Text: strings.ReplaceAll(w, "\x00", " ")})
	}
	spec, findings := run.Parse(words, run.Caller{})
	for _, f := range findings {
		if f.Level == run.Error {
			t.Fatalf("%q: %+v", flags, f)
		}
	}
	return spec
}

func TestSameAsPodman(t *testing.T) {
	url := real.Podman(t)
	program, err := exec.LookPath("podman")
	if err != nil {
		t.Skip("there is no podman to compare with")
	}
	e := open(t, url)
	info, err := e.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Up to 4 everything is compared; see spelledAlike for newer services.
	newer := !strings.HasPrefix(info.Version, "4.")
	image := loadImage(t, e)
	t.Cleanup(func() {
		e.call(context.WithoutCancel(t.Context()), request{method: http.MethodDelete, path: "/volumes/podman-test-volume"}, nil)
	})
	for _, flags := range sameFlags {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			spec := parse(t, flags, image)
			args := append([]string{"--url", url, "create"}, spec.Argv()...)
			text, failed := exec.Command(program, args...).CombinedOutput()
			ours, _, err := e.Create(t.Context(), spec)
			if failed != nil && err != nil {
				t.Skipf("neither can do it: %v; podman: %s", err, text)
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { e.remove(t, ours) })
			if failed != nil {
				t.Fatalf("podman %q: %v\n%s", args, failed, text)
			}
			lines := strings.Fields(string(text))
			theirs := lines[len(lines)-1]
			t.Cleanup(func() { e.remove(t, theirs) })
			if d := cmp.Diff(inspected(t, e, theirs, newer), inspected(t, e, ours, newer)); d != "" {
				t.Errorf("podman create %s (-podman +ours):\n%s", flags, d)
			}
		})
	}
}

// remove removes a container when the test is over.
func (e *Engine) remove(t *testing.T, id string) {
	if err := e.Remove(context.WithoutCancel(t.Context()), id, true); err != nil {
		t.Error(err)
	}
}

// unordered sorts all lists: many are made of maps, and their order is nobody's.
func unordered(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			unordered(inner)
		}
	case []any:
		for _, inner := range v {
			unordered(inner)
		}
		slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
}

var (
	longID = regexp.MustCompile(`[0-9a-f]{64}`)
	picked = regexp.MustCompile(`"HostPort":"[34567]\d{4}"`)
	times  = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)`)
)

// inspected is all that Podman says of a container, without what two of them
// never have in common.
func inspected(t *testing.T, e *Engine, id string, newer bool) map[string]any {
	t.Helper()
	var whole []byte
	if err := e.call(context.WithoutCancel(t.Context()), get(path("containers", id, "json")), &whole); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(longID.ReplaceAllString(string(whole), "ID"), id[:12], "SHORT")
	text = picked.ReplaceAllString(text, `"HostPort":"PICKED"`)
	text = times.ReplaceAllString(text, "TIME")
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	delete(m, "Name")
	unordered(m)
	delete(m, "lockNumber")
	for _, part := range []string{"Config", "HostConfig"} {
		inner := m[part].(map[string]any)
		delete(inner, "CreateCommand")
		// A note to another engine that podman writes until 4.4.
		notes, _ := inner["Annotations"].(map[string]any)
		delete(notes, "io.kubernetes.cri-o.TTY")
		if newer { // a note of what the mode was called
			delete(notes, "io.podman.annotations.userns")
		}
		if len(notes) == 0 {
			delete(inner, "Annotations")
		}
	}
	if newer {
		spelledAlike(m["HostConfig"].(map[string]any))
	}
	return m
}

// spelledAlike gives one spelling to what podman's command and its service
// spell differently from 5 on and what comes to the same: no limit, and the
// writable places of a container that is read-only.
func spelledAlike(host map[string]any) {
	if host["PidsLimit"] == float64(-1) {
		host["PidsLimit"] = float64(0)
	}
	places, _ := host["Tmpfs"].(map[string]any)
	for place, options := range places {
		if host["ReadonlyRootfs"] == true && options == "rw,rprivate,nosuid,nodev,tmpcopyup" {
			delete(places, place)
		}
	}
}
