package system_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/tests/real"
	"github.com/projectatomic/atomic/tests/system/built"
)

// Where no engine listens, podman serves for the time of the command.
func TestPodmanWithoutSocket(t *testing.T) {
	const image = "system/alone"
	m := newBareMachine(t)
	m.loadImage(image, enginetest.ImageOptions{
		Labels: map[string]string{"RUN": "docker run --rm --net=host --name NAME IMAGE"},
		Cmd:    shell(`echo hello from nowhere; exit 5`),
	})
	r := m.run(os.Getenv("PATH"), "--debug", "run", image)
	if r.Status != 5 || r.Stdout != "hello from nowhere\n" {
		t.Errorf("status %d, want 5; printed %q\n%s", r.Status, r.Stdout, r.Stderr)
	}
	if !strings.Contains(r.Stderr, "no socket answers") {
		t.Errorf("the reason for the choice is not told:\n%s", r.Stderr)
	}
	if left := m.leftInRun(); strings.Contains(left, "podman.sock") || strings.Contains(left, "atomic-") {
		t.Errorf("a socket is left:\n%s", left)
	}
	m.w.Eventually("the end of all processes", func() bool { return len(processesNaming(t, m.dir)) == 0 })

	// A container in the background needs no service to go on.
	m.loadImage("system/background", enginetest.ImageOptions{
		Labels: map[string]string{"RUN": "docker run -d --net=host --stop-timeout 0 --name NAME IMAGE"},
		Cmd:    shell(": " + m.dir + "; while :; do sleep 0.1; done"),
	})
	if r := m.run(os.Getenv("PATH"), "run", "system/background"); r.Status != 0 {
		t.Fatalf("status %d\n%s", r.Status, r.Stderr)
	}
	runs := false
	for _, p := range processesNaming(t, m.dir) {
		if strings.Contains(p.line, "system service") {
			t.Errorf("the service goes on: %s", p.line)
		}
		runs = runs || strings.HasPrefix(p.line, "sh -c : "+m.dir)
	}
	if !runs {
		t.Error("the container does not run any more")
	}
}

// Without any engine there is advice.
func TestNoEngine(t *testing.T) {
	m := newBareMachine(t)
	r := m.run("", "run", "system/alone")
	want := `atomic: no container engine: podman at unix:///run/podman/podman.sock: not there; ` +
		`docker at unix:///var/run/docker.sock: not there; the program podman: not in $PATH
  apt-get install podman
  dnf install podman
`
	if r.Status != 6 || r.Stdout != "" || r.Stderr != want {
		t.Errorf("status %d, want 6; printed %q and\n%s\nwant\n%s", r.Status, r.Stdout, r.Stderr, want)
	}
}

// A bareMachine is this machine with an empty /run, so that no engine of the
// system is to be found, and with a podman that knows nothing of others.
type bareMachine struct {
	t   *testing.T
	w   *built.World
	dir string // a short path: there are sockets below it
}

func newBareMachine(t *testing.T) *bareMachine {
	t.Helper()
	real.Podman(t)
	dir, err := os.MkdirTemp("/var/tmp", "atomic")
	if err != nil {
		t.Fatal(err)
	}
	m := &bareMachine{t: t, w: built.New(t, images.Podman), dir: dir}
	t.Cleanup(m.remove)
	m.w.Env = []string{
		"HOME=" + dir, "LANG=C",
		"ATOMIC_CONF=" + filepath.Join(dir, "atomic.conf"),
		"ATOMIC_INSTALL_JSON=" + filepath.Join(dir, "install.json"),
		"CONTAINERS_CONF=" + m.write("containers.conf", m.containersConf()),
		"CONTAINERS_STORAGE_CONF=" + m.write("storage.conf", fmt.Sprintf(
			"[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", filepath.Join(dir, "data"), filepath.Join(dir, "run"))),
	}
	m.write(".config/containers/policy.json", `{"default": [{"type": "insecureAcceptAnything"}]}`)
	return m
}

// containersConf is that of the engine that is tested with, which knows what
// this machine cannot do, with other places for what it keeps.
func (m *bareMachine) containersConf() string {
	m.t.Helper()
	conf, err := os.ReadFile(os.Getenv("CONTAINERS_CONF"))
	if err != nil {
		m.t.Fatalf("%v: run the tests with make test", err)
	}
	own := fmt.Sprintf("[engine]\ntmp_dir = %q\nstatic_dir = %q\nvolume_path = %q\n",
		filepath.Join(m.dir, "tmp"), filepath.Join(m.dir, "data", "libpod"), filepath.Join(m.dir, "data", "volumes"))
	if !bytes.Contains(conf, []byte("[engine]\n")) {
		return string(conf) + own
	}
	return strings.Replace(string(conf), "[engine]\n", own, 1)
}

func (m *bareMachine) write(name, content string) string {
	m.t.Helper()
	path := filepath.Join(m.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		m.t.Fatal(err)
	}
	return path
}

// emptyRun gives a command a mount namespace of its own, hides all of /run in
// it, and writes down what is there afterwards. $1 is the search path of the
// command.
const emptyRun = `mount -t tmpfs none /run || exit 99
list=$1 search=$2; shift 2
ls=$(command -v ls)
PATH=$search "$@"
status=$?
"$ls" -R /run >"$list"
exit $status`

// run runs the command on the machine with a search path.
func (m *bareMachine) run(path string, args ...string) built.Result {
	m.t.Helper()
	return m.w.Finish(m.hidden(path, append([]string{built.Program(m.t)}, args...)...))
}

func (m *bareMachine) hidden(path string, argv ...string) *exec.Cmd {
	m.t.Helper()
	cmd := exec.CommandContext(m.t.Context(), "/bin/sh", append([]string{"-c", emptyRun, "sh", filepath.Join(m.dir, "left"), path}, argv...)...)
	cmd.Env = append(m.w.Env[:len(m.w.Env):len(m.w.Env)], "PATH="+os.Getenv("PATH"))
	cmd.Dir = m.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	return cmd
}

// leftInRun lists what was in /run after the last command.
func (m *bareMachine) leftInRun() string {
	m.t.Helper()
	list, err := os.ReadFile(filepath.Join(m.dir, "left"))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(list)
}

func (m *bareMachine) loadImage(name string, o enginetest.ImageOptions) {
	m.t.Helper()
	archive, err := enginetest.Archive(name, o)
	if err != nil {
		m.t.Fatal(err)
	}
	cmd := m.hidden(os.Getenv("PATH"), "podman", "load", "--quiet")
	cmd.Stdin = bytes.NewReader(archive)
	m.w.MustFinish(cmd)
}

// remove ends the programs of the containers, and when podman has tidied up
// after them removes what it has kept.
func (m *bareMachine) remove() {
	m.w.Eventually("the end of all processes", func() bool {
		left := processesNaming(m.t, m.dir)
		for _, p := range left {
			if strings.HasPrefix(p.line, "sh -c : ") {
				syscall.Kill(p.pid, syscall.SIGKILL)
			}
		}
		return len(left) == 0
	})
	if err := os.RemoveAll(m.dir); err != nil {
		m.t.Errorf("cleaning up: %v", err)
	}
}

// A process is one of the host's.
type process struct {
	pid  int
	line string // its arguments
}

// processesNaming are the processes that have the text in their arguments or
// in their environment.
func processesNaming(t *testing.T, text string) []process {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var found []process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// It may have ended.
		line, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		env, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		if bytes.Contains(line, []byte(text)) || bytes.Contains(env, []byte(text)) {
			found = append(found, process{pid, string(bytes.ReplaceAll(line, []byte{0}, []byte(" ")))})
		}
	}
	return found
}
