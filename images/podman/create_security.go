package podman

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/projectatomic/atomic/labels/run"
)

// The annotations by which Podman remembers --security-opt, to show them when
// the container is inspected.
const (
	annotationApparmor = "io.podman.annotations.apparmor"
	annotationLabel    = "io.podman.annotations.label"
	annotationSeccomp  = "io.podman.annotations.seccomp"
)

func (w *renderer) security() {
	s, out := &w.spec, &w.out
	out.Privileged = s.Privileged
	out.CapAdd, out.CapDrop = s.CapAdd, s.CapDrop
	for i, p := range s.SecurityOpts {
		w.securityOpt(fmt.Sprintf("SecurityOpts[%d]", i), p)
	}
	w.sysctls()
}

func (w *renderer) securityOpt(field string, p run.Pair) {
	out := &w.out
	switch p.Name {
	case "apparmor":
		out.Apparmor = p.Value
		set(&out.Annotations, annotationApparmor, p.Value)
	case "label":
		w.label(p.Value)
	case "seccomp":
		out.SeccompProfile = p.Value
		set(&out.Annotations, annotationSeccomp, p.Value)
	case "mask":
		out.Mask = append(out.Mask, strings.Split(p.Value, ":")...)
	case "unmask":
		out.Unmask = append(out.Unmask, p.Value)
	case "proc-opts":
		out.ProcOpts = strings.Split(p.Value, ",")
	case "systempaths":
		if p.Value != "unconfined" {
			w.bad(field, "systempaths can only be unconfined")
		}
		out.Unmask = append(out.Unmask, "ALL")
	case "no-new-privileges":
		on, err := strconv.ParseBool(orElse(p.Value, "true"))
		if err != nil {
			w.bad(field, "no-new-privileges=%s is neither true nor false", p.Value)
		}
		out.NoNewPrivileges = on
	default:
		w.refuse(field, "a security option %q", p.Name)
	}
}

func (w *renderer) label(value string) {
	out := &w.out
	if value == "nested" {
		out.LabelNested = true
		out.Unmask = append(out.Unmask, "/sys/fs/selinux", "/proc")
		out.Mounts = append(out.Mounts, Mount{Destination: "/sys/fs/selinux", Type: "bind", Source: "/sys/fs/selinux"})
		set(&out.Annotations, "run.oci.mount_context_type", "rootcontext")
		return
	}
	out.SelinuxOpts = append(out.SelinuxOpts, value)
	set(&out.Annotations, annotationLabel, strings.Join(out.SelinuxOpts, ",label="))
}

// ownSysctls are the settings of the kernel that a container has for itself.
// podman run refuses the others; the service would not.
var ownSysctls = []string{
	"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
	"kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
}

func (w *renderer) sysctls() {
	for i, p := range w.spec.Sysctls {
		if !slices.Contains(ownSysctls, p.Name) && !strings.HasPrefix(p.Name, "net.") && !strings.HasPrefix(p.Name, "fs.mqueue.") {
			w.bad(fmt.Sprintf("Sysctls[%d]", i), "%s is not a setting that a container can have for itself", p.Name)
			continue
		}
		set(&w.out.Sysctl, p.Name, p.Value)
	}
}

func (w *renderer) devices() {
	for _, d := range w.spec.Devices {
		path := d.Source
		switch {
		case d.Permissions != "":
			path += ":" + orElse(d.Target, d.Source) + ":" + d.Permissions
		case d.Target != "":
			path += ":" + d.Target
		}
		w.out.Devices = append(w.out.Devices, Device{path})
	}
	for i, g := range w.spec.GPUs {
		w.gpu(fmt.Sprintf("GPUs[%d]", i), g)
	}
	for i, rule := range w.spec.DeviceCgroupRules {
		d, ok := deviceRule(rule)
		if !ok {
			w.bad(fmt.Sprintf("DeviceCgroupRules[%d]", i), "%q is not a rule such as \"c 42:* rmw\"", rule)
			continue
		}
		w.out.DeviceRules = append(w.out.DeviceRules, d)
	}
}

// gpu asks for GPUs as CDI devices, as podman 5 does. Older ones overlook
// --gpus, which would leave the container without.
func (w *renderer) gpu(field, request string) {
	ids, ok := strings.CutPrefix(request, "device=")
	if !ok {
		count, err := strconv.Atoi(request)
		switch {
		case request == "all" || err == nil && count == -1:
			ids = "all"
		case err == nil && count > 0:
			var first []string
			for n := range count {
				first = append(first, strconv.Itoa(n))
			}
			ids = strings.Join(first, ",")
		default:
			w.refuse(field, "a request for GPUs such as %q", request)
			return
		}
	}
	for id := range strings.SplitSeq(ids, ",") {
		w.out.Devices = append(w.out.Devices, Device{"nvidia.com/gpu=" + id})
	}
	w.find(run.NotSupported, run.Note, field, "Podman takes GPUs as CDI devices: nvidia.com/gpu=%s", ids)
}

// deviceRule reads TYPE MAJOR:MINOR ACCESS.
func deviceRule(rule string) (DeviceCgroup, bool) {
	words := strings.Fields(rule)
	if len(words) != 3 || !slices.Contains([]string{"a", "b", "c"}, words[0]) || strings.Trim(words[2], "rwm") != "" {
		return DeviceCgroup{}, false
	}
	d := DeviceCgroup{Allow: true, Type: words[0], Access: words[2]}
	major, minor, _ := strings.Cut(words[1], ":")
	var ok, also bool
	d.Major, ok = deviceNumber(major)
	d.Minor, also = deviceNumber(orElse(minor, "*"))
	return d, ok && also
}

// deviceNumber reads a number, or * for any.
func deviceNumber(text string) (*int64, bool) {
	if text == "*" {
		return nil, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return &n, err == nil && n >= 0
}
