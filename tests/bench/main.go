// Command bench measures atomic against its peers and floors, as whole
// processes, in pairs: A B A B … in one run, so that a machine whose speed
// drifts does not decide. It prints ratios and judges nothing.
//
// It is run by "make bench", which builds atomic and starts the engines.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/docker"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/images/podman"
)

func main() {
	rounds := flag.Int("n", 20, "pairs to run of each comparison")
	atomic := flag.String("atomic", "build/atomic", "the program")
	flag.Parse()
	if err := bench(*atomic, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A comparison is two command lines of which the first is ours.
type comparison struct {
	name string
	aim  string
	ours []string
	peer []string
	env  []string
}

const (
	image = "bench/busybox"
	flags = "--rm --privileged --net=host --pid=host --ipc=host -v /:/host"
)

func bench(atomic string, rounds int) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	atomic, err = filepath.Abs(atomic)
	if err != nil {
		return err
	}
	for _, floor := range []string{"hello", "inspect"} {
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir, "./tests/bench/"+floor)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", floor, err, out)
		}
	}
	if err := load(); err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ours / peer\tmedian\tmin\tmax\taim\tours ms\tpeer ms")
	for _, c := range comparisons(atomic, dir) {
		if err := c.measure(table, rounds); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	info, err := os.Stat(atomic)
	if err != nil {
		return err
	}
	fmt.Printf("binary: %.1f MB (aim 15)\n", float64(info.Size())/1e6)
	return nil
}

func comparisons(atomic, dir string) []comparison {
	dockerHost, podmanHost := os.Getenv("ATOMIC_TEST_DOCKER"), os.Getenv("ATOMIC_TEST_PODMAN")
	onDocker, onPodman := []string{"DOCKER_HOST=" + dockerHost}, []string{"CONTAINER_HOST=" + podmanHost}
	display := []string{atomic, "run", "--display", image}
	run := []string{atomic, "run", "--quiet", image, "true"}
	same := func(engine, ref string) []string {
		return slices.Concat([]string{engine, "run"}, strings.Fields(flags), []string{ref, "true"})
	}
	inspect := filepath.Join(dir, "inspect")
	return []comparison{
		{"--version / a Go hello", "4", []string{atomic, "--version"}, []string{filepath.Join(dir, "hello")}, nil},
		{"run --display / podman runlabel --display", "0.3", display, []string{"podman", "container", "runlabel", "--display", "RUN", "localhost/" + image}, onPodman},
		{"run --display / bare inspect, docker", "", display, []string{inspect, dockerHost, "/images/" + image + "/json"}, onDocker},
		{"run --display / bare inspect, podman", "", display, []string{inspect, podmanHost, "/v4.0.0/libpod/images/localhost/" + image + "/json"}, onPodman},
		{"run --rm / docker run --rm", "1.0", run, same("docker", image), onDocker},
		{"run --rm / podman run --rm", "1.0", run, same("podman", "localhost/"+image), onPodman},
	}
}

// load gives both engines an image with a RUN label.
func load() error {
	archive, err := enginetest.Archive(image, enginetest.ImageOptions{Labels: map[string]string{"RUN": "docker run " + flags + " IMAGE"}})
	if err != nil {
		return err
	}
	onDocker, err := docker.New(os.Getenv("ATOMIC_TEST_DOCKER"))
	if err != nil {
		return err
	}
	onPodman, err := podman.New(os.Getenv("ATOMIC_TEST_PODMAN"))
	if err != nil {
		return err
	}
	for _, engine := range []images.Engine{onDocker, onPodman} {
		_, err := engine.Load(context.Background(), bytes.NewReader(archive))
		if err := errors.Join(err, engine.Close()); err != nil {
			return err
		}
	}
	return nil
}

// measure runs the pairs; the first is not counted.
func (c comparison) measure(table *tabwriter.Writer, rounds int) error {
	var ratios, ours, peers []float64
	for i := range rounds + 1 {
		a, err := once(c.ours, c.env)
		if err != nil {
			return err
		}
		b, err := once(c.peer, peerEnv(c.env))
		if err != nil {
			return err
		}
		if i > 0 {
			ratios, ours, peers = append(ratios, a/b), append(ours, a), append(peers, b)
		}
	}
	fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%.2f\t%s\t%.1f\t%.1f\n",
		c.name, median(ratios), slices.Min(ratios), slices.Max(ratios), c.aim, median(ours), median(peers))
	return nil
}

// peerEnv leaves podman's command at its own storage: with CONTAINER_HOST it
// would be a client too, and does not know runlabel then.
func peerEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool { return strings.HasPrefix(v, "CONTAINER_HOST=") })
}

// once gives the wall time of one run in milliseconds.
func once(argv, env []string) (float64, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, stderr.String())
	}
	return float64(time.Since(start).Microseconds()) / 1000, nil
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
