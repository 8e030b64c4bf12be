package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestMissing(t *testing.T) {
	has := func(things ...string) func(string) bool {
		return func(thing string) bool { return slices.Contains(things, thing) }
	}
	needs := []need{{"dockerd", "docker.io"}, {"docker", "docker.io"}, {"ip", "iproute2"}}
	tests := []struct {
		there func(string) bool
		want  []string
	}{
		{has("dockerd", "docker", "ip"), nil},
		{has("ip"), []string{"docker.io"}},
		{has("dockerd"), []string{"docker.io", "iproute2"}},
	}
	for _, tt := range tests {
		if got := missing(needs, tt.there); !slices.Equal(got, tt.want) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestPackageOfTheDockerCommand(t *testing.T) {
	for osRelease, want := range map[string]string{
		"NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n": "docker.io",
		"VERSION_ID=\"13\"\n":                            "docker-cli",
		"PRETTY_NAME=\"Debian GNU/Linux forky/sid\"\n":   "docker-cli",
		"": "docker-cli",
	} {
		if got := cliPackage(osRelease); got != want {
			t.Errorf("%q: %s, want %s", osRelease, got, want)
		}
	}
}

func TestServicesStayDown(t *testing.T) {
	policy := filepath.Join(t.TempDir(), "policy-rc.d")
	undo, err := withoutServices(policy)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(policy); err != nil || !strings.Contains(string(text), "exit 101") {
		t.Errorf("policy %q, %v", text, err)
	}
	if err := undo(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(policy); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after undo: %v", err)
	}

	if err := os.WriteFile(policy, []byte("mine"), 0o755); err != nil {
		t.Fatal(err)
	}
	if undo, err = withoutServices(policy); err != nil {
		t.Fatal(err)
	}
	if err := undo(); err != nil {
		t.Error(err)
	}
	if text, _ := os.ReadFile(policy); string(text) != "mine" {
		t.Errorf("the policy of another is now %q", text)
	}
}

func TestParseStat(t *testing.T) {
	tests := []struct {
		text   string
		state  string
		parent int
		ok     bool
	}{
		{"12 (sleep) S 7 12 12 0", "S", 7, true},
		{"12 (a) Z 1 (b) Z 9 12", "Z", 9, true},
		{"12 (sleep", "", 0, false},
		{"12 (sleep) S", "", 0, false},
	}
	for _, tt := range tests {
		state, parent, ok := parseStat(tt.text)
		if state != tt.state || parent != tt.parent || ok != tt.ok {
			t.Errorf("parseStat(%q) = %q, %d, %v", tt.text, state, parent, ok)
		}
	}
}

func TestInUse(t *testing.T) {
	_, wide, _ := net.ParseCIDR("10.0.0.0/8")
	narrow := &net.IPNet{IP: net.IPv4(10, 100, 7, 9).To4(), Mask: net.CIDRMask(32, 32)}
	address := net.IPv4(10, 100, 7, 1)
	for _, tt := range []struct {
		used []net.Addr
		want bool
	}{
		{nil, false},
		{[]net.Addr{wide}, true},
		{[]net.Addr{narrow}, true},
		{[]net.Addr{&net.IPNet{IP: net.IPv4(10, 100, 8, 9).To4(), Mask: net.CIDRMask(24, 32)}}, false},
	} {
		if got := inUse(address, tt.used); got != tt.want {
			t.Errorf("inUse(%v) = %v", tt.used, got)
		}
	}
}

func TestKeptState(t *testing.T) {
	dir, err := os.MkdirTemp("/var/tmp", "kept")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("ATOMIC_BED_DIR", dir)
	first, err := openState()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openState(); !errors.Is(err, syscall.EWOULDBLOCK) {
		t.Errorf("a second bed in the same directory: %v", err)
	}
	file, err := first.write("data", "docker", "data", "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("not kept: %v", err)
	}

	t.Setenv("ATOMIC_BED_DIR", "/"+strings.Repeat("x", longest))
	if _, err := openState(); err == nil {
		t.Error("a path that has no room for sockets is taken")
	}
}

func TestTemporaryState(t *testing.T) {
	t.Setenv("ATOMIC_BED_DIR", "")
	t.Setenv("TMPDIR", "/"+strings.Repeat("x", longest))
	s, err := openState()
	if err != nil {
		t.Fatal(err)
	}
	if len(s.dir) > longest {
		t.Errorf("%q is too long", s.dir)
	}
	if _, err := s.subdir("podman", "data"); err != nil {
		t.Error(err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%q is left: %v", s.dir, err)
	}
}

func TestContainersConf(t *testing.T) {
	full := &bed{state: &state{dir: "/s"}, machine: machine{cgroup2: true, systemd: true, overlay: true}}
	for _, word := range []string{"runc", "default_ulimits", "cgroupfs"} {
		if text := full.containersConf("/s/podman"); strings.Contains(text, word) {
			t.Errorf("on a full machine %s is set:\n%s", word, text)
		}
	}
	poor := &bed{state: &state{dir: "/s"}, machine: machine{noResource: true, files: 10, processes: 20}}
	for _, line := range []string{`runtime = "runc"`, `runc = ["/s/nores"]`, `["nofile=10:10", "nproc=20:20"]`, `cgroup_manager = "cgroupfs"`} {
		if text := poor.containersConf("/s/podman"); !strings.Contains(text, line) {
			t.Errorf("%s is missing:\n%s", line, text)
		}
	}
	if conf := poor.storageConf("/s/podman"); !strings.Contains(conf, `driver = "vfs"`) {
		t.Errorf("without overlay:\n%s", conf)
	}
}

func TestLastWords(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte(strings.Repeat("early\n", 100)+"last\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := (&daemon{log: log}).lastWords()
	if !strings.HasSuffix(got, "early\nlast\n") || strings.Count(got, "\n") > 30 {
		t.Errorf("got %q", got)
	}
}

func TestAwaitTellsOfAnEngineThatEnds(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte("no room\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := newEngine("docker", filepath.Join(t.TempDir(), "none"))
	e.daemon = &daemon{log: log, ended: make(chan struct{})}
	close(e.daemon.ended)
	if err := e.await(context.Background()); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("got %v", err)
	}
}
