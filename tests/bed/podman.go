package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// startPodman starts the service of Podman. Its files hold nothing of those of
// the machine.
func (b *bed) startPodman() error {
	dir, err := b.state.subdir("podman")
	if err != nil {
		return err
	}
	program, err := lookPath("podman")
	if err != nil {
		return fmt.Errorf("starting podman: %w", err)
	}
	address, err := freeAddress(180)
	if err != nil {
		return err
	}
	config, err := b.writePodmanFiles(dir, address)
	if err != nil {
		return err
	}
	e := newEngine("podman", filepath.Join(dir, "sock"))
	e.env = append([]string{"ATOMIC_TEST_PODMAN=" + e.url()}, config...)
	_ = os.Remove(e.socket) // of an earlier bed
	// What it keeps across a reboot it must not find twice in one.
	for _, name := range []string{"run", "tmp"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("starting podman: %w", err)
		}
	}
	cmd := exec.Command(program, "--root", filepath.Join(dir, "data"), "--runroot", filepath.Join(dir, "run"),
		"--tmpdir", filepath.Join(dir, "tmp"), "system", "service", "--time=0", e.url())
	// The policy about signatures is the one file that has no variable.
	cmd.Env = append(os.Environ(), append(config, "HOME="+filepath.Join(dir, "home"))...)
	e.daemon, err = b.background(cmd, "podman/service")
	if err != nil {
		return err
	}
	b.engines = append(b.engines, e)
	return nil
}

// writePodmanFiles returns the variables that name them.
func (b *bed) writePodmanFiles(dir, address string) ([]string, error) {
	files := []struct {
		variable, text string
		path           []string
	}{
		{"CONTAINERS_CONF", b.containersConf(dir), []string{"containers.conf"}},
		{"CONTAINERS_STORAGE_CONF", b.storageConf(dir), []string{"storage.conf"}},
		{"CONTAINERS_REGISTRIES_CONF", registriesConf, []string{"registries.conf"}},
		{"", `{"default": [{"type": "insecureAcceptAnything"}]}`, []string{"home", ".config", "containers", "policy.json"}},
		{"", network(address), []string{"networks", "podman.json"}},
	}
	var env []string
	for _, f := range files {
		path, err := b.state.write(f.text, append([]string{"podman"}, f.path...)...)
		if err != nil {
			return nil, err
		}
		if f.variable != "" {
			env = append(env, f.variable+"="+path)
		}
	}
	return env, nil
}

func (b *bed) containersConf(dir string) string {
	var s strings.Builder
	s.WriteString("[containers]\nlog_driver = \"k8s-file\"\n")
	if b.machine.noResource {
		fmt.Fprintf(&s, "default_ulimits = [\"nofile=%[1]d:%[1]d\", \"nproc=%[2]d:%[2]d\"]\n", b.machine.files, b.machine.processes)
	}
	fmt.Fprintf(&s, "[network]\nnetwork_backend = \"netavark\"\nnetwork_config_dir = %q\n", filepath.Join(dir, "networks"))
	s.WriteString("[engine]\nevents_logger = \"file\"\n")
	if !b.machine.systemd {
		s.WriteString("cgroup_manager = \"cgroupfs\"\n")
	}
	if b.machine.noResource || !b.machine.cgroup2 {
		s.WriteString("runtime = \"runc\"\n")
	}
	if b.machine.noResource {
		fmt.Fprintf(&s, "[engine.runtimes]\nrunc = [%q]\n", b.runtime())
	}
	return s.String()
}

func (b *bed) storageConf(dir string) string {
	driver := "overlay"
	if !b.machine.overlay {
		driver = "vfs"
	}
	return fmt.Sprintf("[storage]\ndriver = %q\ngraphroot = %q\nrunroot = %q\n", driver, filepath.Join(dir, "data"), filepath.Join(dir, "run"))
}

const registriesConf = `unqualified-search-registries = ["docker.io"]
short-name-mode = "permissive"

[[registry]]
location = "127.0.0.1"
insecure = true

[[registry]]
location = "localhost"
insecure = true
`

// network is the file of Podman's default network: its own bridge and
// addresses would be those of every other Podman on the machine.
func network(address string) string {
	subnet := strings.TrimSuffix(address, "1/24")
	return fmt.Sprintf(`{
  "name": "podman",
  "id": "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9",
  "driver": "bridge",
  "network_interface": "bedp%d",
  "created": "2022-01-01T00:00:00Z",
  "subnets": [{"subnet": "%s0/24", "gateway": "%s1"}],
  "ipv6_enabled": false,
  "internal": false,
  "dns_enabled": false,
  "ipam_options": {"driver": "host-local"}
}
`, os.Getpid(), subnet, subnet)
}
