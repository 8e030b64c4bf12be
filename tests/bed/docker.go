package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// startDocker starts dockerd with a containerd of its own: one that the
// system runs would share its containers with the system's Docker.
func (b *bed) startDocker(ctx context.Context) error {
	dir, err := b.state.subdir("docker")
	if err != nil {
		return err
	}
	containerd, err := b.startContainerd(dir)
	if err != nil {
		return err
	}
	bridge, err := b.addBridge(ctx)
	if err != nil {
		return err
	}
	dockerd, err := lookPath("dockerd")
	if err != nil {
		return fmt.Errorf("starting docker: %w", err)
	}
	e := newEngine("docker", filepath.Join(dir, "sock"))
	e.env = []string{"ATOMIC_TEST_DOCKER=" + e.url()}
	// A pid file that an earlier bed left may name a process of today.
	_ = os.Remove(filepath.Join(dir, "pid"))
	args := []string{
		"--host", e.url(), "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"), "--config-file", filepath.Join(dir, "daemon.json"),
		"--containerd", containerd, "--storage-driver", b.dockerDriver(),
		// Its rules would be mixed with those of another Docker on this
		// machine. Published ports work without, by its proxy.
		"--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false", "--bridge", bridge,
	}
	if b.machine.noResource {
		args = append(args, "--add-runtime", "nores="+b.runtime(), "--default-runtime", "nores")
	}
	if _, err := b.state.write("{}\n", "docker", "daemon.json"); err != nil {
		return err
	}
	e.daemon, err = b.background(exec.Command(dockerd, args...), "docker/dockerd")
	if err != nil {
		return err
	}
	// Ahead of containerd, which must be the last to go.
	b.engines = append(b.engines, e)
	return nil
}

func (b *bed) dockerDriver() string {
	if b.machine.overlay {
		return "overlay2"
	}
	return "vfs"
}

const containerdConfig = `version = 2
root = %q
state = %q
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = %q
[ttrpc]
address = %q
`

// startContainerd returns the path of its socket, when it is there.
func (b *bed) startContainerd(dir string) (socket string, err error) {
	program, err := lookPath("containerd")
	if err != nil {
		return "", fmt.Errorf("starting docker: %w", err)
	}
	socket = filepath.Join(dir, "containerd.sock")
	config, err := b.state.write(fmt.Sprintf(containerdConfig, filepath.Join(dir, "containerd"),
		filepath.Join(dir, "containerd.run"), socket, socket+".ttrpc"), "docker", "containerd.toml")
	if err != nil {
		return "", err
	}
	d, err := b.background(exec.Command(program, "--config", config), "docker/containerd")
	if err != nil {
		return "", err
	}
	b.undo = append(b.undo, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
		defer cancel()
		d.end(ctx)
		return nil
	})
	return socket, nil
}

// addBridge makes a network bridge for Docker, on addresses that nobody on
// this machine uses.
func (b *bed) addBridge(ctx context.Context) (string, error) {
	ip, err := lookPath("ip")
	if err != nil {
		return "", fmt.Errorf("making a bridge for docker: %w", err)
	}
	name := fmt.Sprintf("bed%d", os.Getpid())
	address, err := freeAddress(100)
	if err != nil {
		return "", err
	}
	b.undo = append(b.undo, func() error {
		return b.procs.run(exec.Command(ip, "link", "delete", name))
	})
	for _, args := range [][]string{
		{"link", "add", name, "type", "bridge"},
		{"address", "add", address, "dev", name},
		{"link", "set", name, "up"},
	} {
		cmd := exec.CommandContext(ctx, ip, args...)
		cmd.Stderr = os.Stderr
		if err := b.procs.run(cmd); err != nil {
			return "", fmt.Errorf("making a bridge for docker: ip %v: %w", args, err)
		}
	}
	return name, nil
}

// freeAddress finds a private network of 256 addresses that no interface is
// in, from 10.FIRST.0.1/24 upwards.
func freeAddress(first byte) (string, error) {
	used, err := net.InterfaceAddrs()
	if err != nil {
		return "", fmt.Errorf("looking for free addresses: %w", err)
	}
	for i := first; i < 255; i++ {
		// The process ID keeps two beds that start together apart.
		address := net.IPv4(10, i, byte(os.Getpid()), 1)
		if !inUse(address, used) {
			return address.String() + "/24", nil
		}
	}
	return "", fmt.Errorf("looking for free addresses: all of 10.%d to 10.254 are in use", first)
}

func inUse(address net.IP, used []net.Addr) bool {
	for _, u := range used {
		if n, ok := u.(*net.IPNet); ok && (n.Contains(address) || n.IP.Mask(net.CIDRMask(24, 32)).Equal(address.Mask(net.CIDRMask(24, 32)))) {
			return true
		}
	}
	return false
}
