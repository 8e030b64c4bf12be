package run

import (
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// propagations are the values of bind-propagation.
var propagations = []string{"private", "rprivate", "shared", "rshared", "slave", "rslave"}

// carried are the keys of --mount that stay KEY=VALUE in Mount.Options.
var carried = map[MountType][]string{
	Bind:   {"bind-recursive", "bind-nonrecursive", "idmap"},
	Volume: {"volume-driver", "volume-opt", "volume-label", "volume-subpath", "idmap"},
	Tmpfs:  {},
}

// parseMount reads --mount, a line of comma-separated KEY=VALUE.
func parseMount(v string, from Caller) (Mount, error) {
	r := csv.NewReader(strings.NewReader(v))
	r.LazyQuotes = false
	fields, err := r.Read()
	if err != nil {
		return Mount{}, fmt.Errorf("%q is not a list of KEY=VALUE", v)
	}
	m := Mount{Type: Volume}
	// The type decides what the other keys mean, and may stand anywhere.
	for _, field := range fields {
		if value, ok := strings.CutPrefix(field, "type="); ok {
			m.Type = MountType(value)
		}
	}
	if carried[m.Type] == nil {
		return m, fmt.Errorf("type=%s is not bind, volume or tmpfs", m.Type)
	}
	for _, field := range fields {
		key, value, hasValue := strings.Cut(field, "=")
		if err := m.setKey(strings.ToLower(key), value, hasValue); err != nil {
			return m, err
		}
	}
	return m, m.check(from)
}

// setKey takes one KEY=VALUE of --mount.
func (m *Mount) setKey(key, value string, hasValue bool) error {
	switch key {
	case "type":
		return nil
	case "source", "src":
		m.Source = value
		return nil
	case "target", "destination", "dst":
		m.Target = value
		return nil
	}
	option, err := m.option(key, value, hasValue)
	if err == nil && option != "" {
		m.Options = append(m.Options, option)
	}
	return err
}

// option gives the option of -v that says the same as KEY=VALUE.
func (m *Mount) option(key, value string, hasValue bool) (string, error) {
	switch {
	case key == "readonly" || key == "ro":
		return onOff(value, hasValue, "ro", "rw")
	case key == "rw":
		return onOff(value, hasValue, "rw", "ro")
	case key == "u" || key == "chown":
		return onOff(value, hasValue, "U", "")
	case key == "relabel":
		if short := map[string]string{"shared": "z", "private": "Z"}[value]; short != "" {
			return short, nil
		}
		return "", fmt.Errorf("relabel=%s is neither shared nor private", value)
	case key == "bind-propagation" && m.Type == Bind:
		if slices.Contains(propagations, value) {
			return value, nil
		}
		return "", fmt.Errorf("bind-propagation=%s is not one of %s", value, strings.Join(propagations, ", "))
	case key == "consistency":
		if slices.Contains([]string{"consistent", "cached", "delegated"}, value) {
			return value, nil
		}
		return "", fmt.Errorf("consistency=%s is not consistent, cached or delegated", value)
	case key == "volume-nocopy" && m.Type == Volume:
		return onOff(value, hasValue, "nocopy", "copy")
	case m.Type == Tmpfs && hasValue && (key == "tmpfs-size" || key == "tmpfs-mode"):
		return strings.TrimPrefix(key, "tmpfs-") + "=" + value, nil
	case slices.Contains(carried[m.Type], key):
		if !hasValue {
			return key, nil
		}
		return key + "=" + value, nil
	case !hasValue && (slices.Contains(volumeOptions, key) || m.Type == Tmpfs && tmpfsOption(key)):
		return key, nil
	}
	return "", fmt.Errorf("%q is not a key of a mount of type %s", key, m.Type)
}

// tmpfsOption tells options that --tmpfs takes and -v does not.
func tmpfsOption(key string) bool {
	return slices.Contains([]string{"tmpcopyup", "notmpcopyup", "strictatime", "noatime", "relatime", "sync", "async"}, key)
}

func onOff(value string, hasValue bool, on, off string) (string, error) {
	if !hasValue {
		return on, nil
	}
	yes, err := parseBool(value)
	if err != nil {
		return "", err
	}
	if yes {
		return on, nil
	}
	return off, nil
}

func (m *Mount) check(from Caller) error {
	if m.Target == "" {
		return errors.New("needs target=")
	}
	if err := errors.Join(checkTarget(m.Target), checkOpposites(m.Options)); err != nil {
		return err
	}
	switch m.Type {
	case Bind:
		if m.Source == "" {
			return errors.New("type=bind needs source=")
		}
		m.MustExist = true
		kind := Mount{Type: Volume, Source: m.Source}
		if err := resolveSource(&kind, from); err != nil {
			return err
		}
		if kind.Type != Bind {
			return fmt.Errorf("%q is not an absolute path", m.Source)
		}
		m.Source = kind.Source
	case Volume:
		if m.Source != "" && !volumeName().MatchString(m.Source) {
			return fmt.Errorf("%q is not the name of a volume; a path needs type=bind", m.Source)
		}
	case Tmpfs:
		if m.Source != "" {
			return errors.New("type=tmpfs takes no source")
		}
	}
	return nil
}

// mountKey is the inverse of option.
func mountKey(t MountType, option string) string {
	name, _, hasValue := strings.Cut(option, "=")
	switch {
	case t == Tmpfs && hasValue:
		return "tmpfs-" + option
	case hasValue:
		return option
	case option == "z":
		return "relabel=shared"
	case option == "Z":
		return "relabel=private"
	case option == "nocopy":
		return "volume-nocopy"
	case option == "copy":
		return "volume-nocopy=false"
	case t == Bind && slices.Contains(propagations, name):
		return "bind-propagation=" + name
	}
	return option
}
