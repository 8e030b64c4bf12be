package docker

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/mount"

	"github.com/projectatomic/atomic/labels/run"
)

func (b *builder) mounts(spec run.Spec) {
	for i, m := range spec.Mounts {
		b.mount(i, m)
	}
	h := b.host
	h.VolumesFrom = spec.VolumesFrom
	h.VolumeDriver = spec.VolumeDriver
	h.ReadonlyRootfs = spec.ReadOnly
	h.StorageOpt = pairMap(spec.StorageOpts)
}

// mount chooses the way in which docker's command line would ask for it: -v
// makes a bind, which brings a missing source into being, --mount a mount.
func (b *builder) mount(i int, m run.Mount) {
	switch m.Type {
	case run.Tmpfs:
		b.tmpfs(i, m)
	case run.Bind:
		if !path.IsAbs(m.Source) {
			b.bad(indexed("Mounts", i, "Source"), "%q is not an absolute path", m.Source)
			return
		}
		if m.MustExist {
			b.mounted(i, m, mount.TypeBind)
		} else {
			b.bind(i, m)
		}
	case run.Volume:
		switch {
		case m.Source == "" && len(m.Options) == 0:
			if b.config.Volumes == nil {
				b.config.Volumes = make(map[string]struct{})
			}
			b.config.Volumes[m.Target] = struct{}{}
		case m.Source == "" || m.MustExist || slices.ContainsFunc(m.Options, isVolumeKey):
			b.mounted(i, m, mount.TypeVolume)
		default:
			b.bind(i, m)
		}
	default:
		b.lack(run.Error, indexed("Mounts", i, "Type"), "Docker has no mount of type %q here", m.Type)
	}
}

// isVolumeKey tells the options of a volume that -v cannot carry.
func isVolumeKey(option string) bool { return strings.HasPrefix(option, "volume-") }

// bind makes SOURCE:TARGET:OPTIONS.
func (b *builder) bind(i int, m run.Mount) {
	if strings.Contains(m.Source+m.Target, ":") {
		b.bad(indexed("Mounts", i, ""), "a path with a colon needs --mount")
		return
	}
	words := []string{m.Source, m.Target}
	var options []string
	for _, o := range m.Options {
		switch {
		case o == "ro", o == "rw", o == "z", o == "Z", o == "nocopy", isPropagation(o), isConsistency(o):
			options = append(options, o)
		default:
			b.option(i, m, o)
		}
	}
	if len(options) > 0 {
		words = append(words, strings.Join(options, ","))
	}
	b.host.Binds = append(b.host.Binds, strings.Join(words, ":"))
}

// option deals with an option that Docker has no word for. Some say what it
// does anyway.
func (b *builder) option(i int, m run.Mount, option string) {
	switch option {
	case "rbind":
		if m.Type == run.Bind {
			return
		}
	case "copy":
		if m.Type == run.Volume {
			return
		}
	case "exec", "suid", "dev":
		return
	case "z", "Z":
		b.lack(run.Error, indexed("Mounts", i, "Options"), "Docker gives labels with -v only: option %q of --mount", option)
		return
	}
	b.lack(run.Error, indexed("Mounts", i, "Options"), "Docker has no option %q for a mount of type %s", option, m.Type)
}

func isPropagation(option string) bool {
	return slices.Contains(mount.Propagations, mount.Propagation(option))
}

func isConsistency(option string) bool {
	return option == "consistent" || option == "cached" || option == "delegated"
}

// mounted makes what --mount does.
func (b *builder) mounted(i int, m run.Mount, kind mount.Type) {
	to := mount.Mount{Type: kind, Source: m.Source, Target: m.Target}
	for _, o := range m.Options {
		name, value, _ := strings.Cut(o, "=")
		switch {
		case o == "ro":
			to.ReadOnly = true
		case o == "rw":
		case isConsistency(o):
			to.Consistency = mount.Consistency(o)
		case kind == mount.TypeBind && bindOption(&to, o):
		case kind == mount.TypeVolume && volumeOption(&to, name, value):
		default:
			b.option(i, m, o)
		}
	}
	b.host.Mounts = append(b.host.Mounts, to)
}

// bindOption takes an option that only binds have.
func bindOption(m *mount.Mount, option string) bool {
	var o mount.BindOptions
	if m.BindOptions != nil {
		o = *m.BindOptions
	}
	switch option {
	case "bind", "bind-recursive=disabled", "bind-nonrecursive", "bind-nonrecursive=true", "bind-nonrecursive=1":
		o.NonRecursive = true
	case "bind-recursive=writable":
		o.ReadOnlyNonRecursive = true
	case "bind-recursive=readonly":
		o.ReadOnlyForceRecursive = true
	case "bind-recursive=enabled", "bind-nonrecursive=false", "bind-nonrecursive=0":
		return true
	default:
		if !isPropagation(option) {
			return false
		}
		o.Propagation = mount.Propagation(option)
	}
	m.BindOptions = &o
	return true
}

// volumeOption takes an option that only volumes have.
func volumeOption(m *mount.Mount, name, value string) bool {
	var o mount.VolumeOptions
	if m.VolumeOptions != nil {
		o = *m.VolumeOptions
	}
	driver := func() *mount.Driver {
		if o.DriverConfig == nil {
			o.DriverConfig = &mount.Driver{}
		}
		return o.DriverConfig
	}
	switch name {
	case "nocopy":
		o.NoCopy = true
	case "volume-subpath":
		o.Subpath = value
	case "volume-label":
		o.Labels = withPair(o.Labels, value)
	case "volume-driver":
		driver().Name = value
	case "volume-opt":
		d := driver()
		d.Options = withPair(d.Options, value)
	default:
		return false
	}
	m.VolumeOptions = &o
	return true
}

func withPair(m map[string]string, pair string) map[string]string {
	if m == nil {
		m = make(map[string]string)
	}
	name, value, _ := strings.Cut(pair, "=")
	m[name] = value
	return m
}

// tmpfsWords are the options of a tmpfs that Docker takes as they are.
var tmpfsWords = []string{
	"ro", "rw", "exec", "noexec", "suid", "nosuid", "dev", "nodev", "atime", "noatime", "diratime", "nodiratime",
	"relatime", "norelatime", "strictatime", "nostrictatime", "sync", "async", "dirsync", "remount", "mand", "nomand",
	"defaults", "bind", "rbind", "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable",
}

// tmpfs makes what --tmpfs does.
func (b *builder) tmpfs(i int, m run.Mount) {
	if m.Source != "" {
		b.bad(indexed("Mounts", i, "Source"), "a tmpfs has no source")
	}
	var options []string
	for _, o := range m.Options {
		name, _, hasValue := strings.Cut(o, "=")
		switch {
		case slices.Contains(tmpfsWords, o),
			hasValue && slices.Contains([]string{"size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol"}, name):
			options = append(options, o)
		case o == "notmpcopyup": // as Docker has it
		default:
			b.lack(run.Error, indexed("Mounts", i, "Options"), "Docker has no option %q for a tmpfs", o)
		}
	}
	if b.host.Tmpfs == nil {
		b.host.Tmpfs = make(map[string]string)
	}
	b.host.Tmpfs[m.Target] = strings.Join(options, ",")
}
