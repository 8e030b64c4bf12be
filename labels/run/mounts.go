package run

import (
	"encoding/csv"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// A Caller is what a value may depend on beside itself.
type Caller struct {
	Dir string // the working directory, for -v ./SOURCE; empty: relative sources are refused
}

func addMount(s *Spec, from Caller, v string, parse func(string, Caller) (Mount, error)) error {
	m, err := parse(v, from)
	if err == nil {
		s.Mounts = append(s.Mounts, m)
	}
	return err
}

// volumeOptions are the options of -v that both engines, or one, know.
var volumeOptions = []string{
	"ro", "rw", "z", "Z", "U", "O", "nocopy", "copy", "idmap",
	"private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable",
	"bind", "rbind", "exec", "noexec", "dev", "nodev", "suid", "nosuid",
	"consistent", "cached", "delegated",
}

// opposites may not stand together in the options of one mount.
var opposites = [][]string{
	{"ro", "rw"},
	{"z", "Z"},
	{"nocopy", "copy"},
	{"private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"},
	{"bind", "rbind"},
	{"exec", "noexec"},
	{"dev", "nodev"},
	{"suid", "nosuid"},
	{"consistent", "cached", "delegated"},
}

var volumeName = lazy(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

// parseVolume reads -v [SOURCE:]TARGET[:OPTIONS].
func parseVolume(v string, from Caller) (Mount, error) {
	if v == "" {
		return Mount{}, errEmpty
	}
	parts := strings.Split(v, ":")
	m := Mount{Type: Volume}
	switch len(parts) {
	case 1:
		m.Target = parts[0]
	case 2, 3:
		m.Source, m.Target = parts[0], parts[1]
		if m.Source == "" {
			return m, fmt.Errorf("%q has no source before the colon", v)
		}
	default:
		return m, fmt.Errorf("%q has more than three parts; a path with a colon needs --mount", v)
	}
	if len(parts) == 3 {
		m.Options = strings.Split(parts[2], ",")
	}
	if err := resolveSource(&m, from); err != nil {
		return m, err
	}
	return m, errors.Join(checkTarget(m.Target), checkOptions(m.Options))
}

// resolveSource tells a path of the host from the name of a volume.
func resolveSource(m *Mount, from Caller) error {
	switch {
	case m.Source == "":
		return nil
	case path.IsAbs(m.Source):
		m.Type = Bind
		return nil
	case m.Source == "." || m.Source == ".." || strings.HasPrefix(m.Source, "./") || strings.HasPrefix(m.Source, "../"):
		if from.Dir == "" || strings.Contains(from.Dir, ":") {
			return fmt.Errorf("%q is relative, and the working directory cannot be used with -v", m.Source)
		}
		m.Type, m.Source = Bind, path.Join(from.Dir, m.Source)
		return nil
	case volumeName().MatchString(m.Source):
		return nil
	}
	return fmt.Errorf("%q is neither an absolute path nor the name of a volume", m.Source)
}

func checkTarget(target string) error {
	if !path.IsAbs(target) {
		return fmt.Errorf("%q is not an absolute path in the container", target)
	}
	if path.Clean(target) == "/" {
		return errors.New("the root of the container cannot be mounted over")
	}
	return nil
}

func checkOptions(options []string) error {
	for _, o := range options {
		name, _, _ := strings.Cut(o, "=")
		if !slices.Contains(volumeOptions, name) || name != o && name != "idmap" {
			return fmt.Errorf("%q is not an option of a mount%s", o, orHint(Nearest(o, volumeOptions)))
		}
	}
	return checkOpposites(options)
}

func checkOpposites(options []string) error {
	for _, set := range opposites {
		var found []string
		for _, o := range options {
			if slices.Contains(set, o) && !slices.Contains(found, o) {
				found = append(found, o)
			}
		}
		if len(found) > 1 {
			return fmt.Errorf("%s contradict each other", strings.Join(found, " and "))
		}
	}
	return nil
}

// parseTmpfs reads --tmpfs TARGET[:OPTIONS].
func parseTmpfs(v string, _ Caller) (Mount, error) {
	target, options, ok := strings.Cut(v, ":")
	m := Mount{Type: Tmpfs, Target: target}
	if ok && options != "" {
		m.Options = strings.Split(options, ",")
	}
	return m, errors.Join(checkTarget(target), checkOpposites(m.Options))
}

// mountWords writes each mount with the shortest flag that says it all.
func mountWords(s *Spec) []string {
	var words []string
	for _, m := range s.Mounts {
		switch {
		case m.Type == Tmpfs && !strings.Contains(m.Target, ":"):
			words = append(words, "--tmpfs", joinColon(m.Target, strings.Join(m.Options, ",")))
		case m.isVolumeFlag():
			words = append(words, "-v", joinColon(m.Source, m.Target, strings.Join(m.Options, ",")))
		default:
			words = append(words, "--mount", m.csv())
		}
	}
	return words
}

// joinColon joins what is not empty.
func joinColon(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ":")
}

// isVolumeFlag tells whether -v can say the mount.
func (m Mount) isVolumeFlag() bool {
	plain := !m.MustExist && !strings.Contains(m.Source+m.Target, ":") && checkOptions(m.Options) == nil
	return plain && (m.Source != "" || len(m.Options) == 0)
}

// csv writes the mount as --mount takes it.
func (m Mount) csv() string {
	fields := []string{"type=" + string(m.Type)}
	if m.Source != "" {
		fields = append(fields, "source="+m.Source)
	}
	fields = append(fields, "target="+m.Target)
	for _, o := range m.Options {
		fields = append(fields, mountKey(m.Type, o))
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	// Writing to a strings.Builder cannot go wrong.
	_ = w.Write(fields)
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}
