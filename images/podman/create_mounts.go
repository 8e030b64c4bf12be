package podman

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/projectatomic/atomic/labels/run"
)

func (w *renderer) mounts() {
	s, out := &w.spec, &w.out
	taken := make(map[string]run.Mount)
	for i, m := range s.Mounts {
		field := fmt.Sprintf("Mounts[%d]", i)
		target := filepath.Clean(m.Target)
		if before, ok := taken[target]; ok {
			if before.Type != m.Type || before.Source != m.Source || !slices.Equal(before.Options, m.Options) {
				w.find(run.Conflict, run.Error, field, "something else is mounted at %s already", target)
			}
			continue
		}
		taken[target] = m
		switch m.Type {
		case run.Bind:
			w.bind(field, m)
		case run.Volume:
			w.volume(field, m)
		case run.Tmpfs:
			out.Mounts = append(out.Mounts, Mount{Destination: target, Type: "tmpfs", Source: "tmpfs", Options: m.Options})
		default:
			w.refuse(field+".Type", "mounts of type %q", m.Type)
		}
	}
	out.VolumesFrom = s.VolumesFrom
	if s.VolumeDriver != "" {
		w.volumeDriver()
	}
	for _, p := range s.StorageOpts {
		set(&out.StorageOpts, p.Name, p.Value)
	}
	if s.ReadOnly {
		out.ReadOnly, out.ReadWriteTmpfs = true, true
		w.readOnly(taken)
	}
	if s.ShmSize != 0 {
		out.ShmSize = &s.ShmSize
	}
}

// volumeDriver tells that there is no driver to be had for volumes that are
// made on the way. Without such volumes that is no loss.
func (w *renderer) volumeDriver() {
	if w.spec.VolumeDriver == "local" {
		return
	}
	needs := slices.ContainsFunc(w.spec.Mounts, func(m run.Mount) bool { return m.Type == run.Volume })
	if needs {
		w.refuse("VolumeDriver", "Podman makes volumes with the driver %q only by podman volume create", w.spec.VolumeDriver)
		return
	}
	w.ignore("VolumeDriver", "Podman makes the volumes of the image with its local driver")
}

// readOnly adds the places that stay writable in a read-only container.
// Services before 4.4 leave that to the client, newer ones skip what is there.
func (w *renderer) readOnly(taken map[string]run.Mount) {
	for _, target := range []string{"/tmp", "/var/tmp", "/run"} {
		if _, ok := taken[target]; ok {
			continue
		}
		w.out.Mounts = append(w.out.Mounts, Mount{
			Destination: target, Type: "tmpfs", Source: "tmpfs",
			Options: []string{"rw", "rprivate", "nosuid", "nodev", "tmpcopyup"},
		})
	}
}

func (w *renderer) bind(field string, m run.Mount) {
	options := w.mountOptions(field, m)
	if slices.Contains(options, "O") {
		w.overlay(field, m, options)
		return
	}
	w.out.Mounts = append(w.out.Mounts, Mount{Destination: m.Target, Type: "bind", Source: m.Source, Options: options})
}

func (w *renderer) overlay(field string, m run.Mount, options []string) {
	for _, o := range options {
		if o != "O" && o != "U" && !strings.HasPrefix(o, "upperdir=") && !strings.HasPrefix(o, "workdir=") {
			w.find(run.Conflict, run.Error, field+".Options", "O goes only with U, upperdir= and workdir=, not with %s", o)
		}
	}
	w.out.OverlayVolumes = append(w.out.OverlayVolumes, OverlayVolume{Destination: m.Target, Source: m.Source, Options: options})
}

func (w *renderer) volume(field string, m run.Mount) {
	w.out.Volumes = append(w.out.Volumes, NamedVolume{Name: m.Source, Dest: m.Target, Options: w.mountOptions(field, m)})
}

// mountOptions translates the options of a bind mount or a volume.
func (w *renderer) mountOptions(field string, m run.Mount) []string {
	var options []string
	for _, o := range m.Options {
		key, value, _ := strings.Cut(o, "=")
		switch key {
		case "consistent", "cached", "delegated": // of Docker on other systems
		case "bind-nonrecursive":
			if on, err := strconv.ParseBool(orElse(value, "true")); err != nil {
				w.bad(field+".Options", "%s is neither true nor false", o)
			} else if on {
				options = append(options, "bind")
			}
		case "bind-recursive":
			if plain, ok := w.recursive(field, value); ok {
				options = append(options, plain...)
			}
		case "volume-label":
			w.ignore(field+".Options", "Podman puts no labels on volumes that it makes on the way")
		case "volume-driver":
			if value != "local" {
				w.refuse(field+".Options", "Podman makes volumes with the driver %q only by podman volume create", value)
			}
		case "volume-subpath":
			// Services before 4.7 would mount the whole volume and say nothing.
			w.refuse(field+".Options", "a part of a volume cannot be mounted")
		default:
			options = append(options, o)
		}
	}
	return options
}

// recursive translates Docker's bind-recursive. A read-only mount of Podman
// leaves what is mounted below it as it is.
func (w *renderer) recursive(field, value string) ([]string, bool) {
	switch value {
	case "disabled", "false", "0":
		return []string{"bind"}, true
	case "enabled", "true", "1", "writable":
		return nil, true
	}
	w.refuse(field+".Options", "mounts cannot be made read-only with all below them (bind-recursive=%s)", value)
	return nil, false
}
