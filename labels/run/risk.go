package run

import (
	"path"
	"slices"
	"strings"
)

// RiskName names one way in which a container is less than isolated. Names
// are stable: users accept and policies refuse risks by them.
type RiskName string

// The risks of a container run.
const (
	RiskPrivileged   RiskName = "privileged"
	RiskHostPID      RiskName = "host-pid"
	RiskHostNet      RiskName = "host-net"
	RiskHostIPC      RiskName = "host-ipc"
	RiskHostUTS      RiskName = "host-uts"
	RiskHostUserNS   RiskName = "host-userns"
	RiskHostCgroup   RiskName = "host-cgroup"
	RiskCapAdd       RiskName = "cap-add"
	RiskDevice       RiskName = "device"
	RiskLabelOff     RiskName = "label-disable"
	RiskSeccompOff   RiskName = "seccomp-unconfined"
	RiskAppArmorOff  RiskName = "apparmor-unconfined"
	RiskHostRoot     RiskName = "host-root"
	RiskHostEtc      RiskName = "host-etc"
	RiskHostDev      RiskName = "host-dev"
	RiskHostProc     RiskName = "host-proc"
	RiskHostSys      RiskName = "host-sys"
	RiskHostRun      RiskName = "host-run"
	RiskEngineSocket RiskName = "engine-socket"
	// RiskHostCommand is not a container's: a program of the host is run.
	RiskHostCommand RiskName = "host-command"
)

// A Risk is a name and the option that brings it.
type Risk struct {
	Name  RiskName
	Cause string // as an option, such as --pid=host or -v /:/host
}

// Risks tells, from the typed Spec alone, in which ways the container is not
// isolated from the host. Each name occurs once.
func Risks(s Spec) []Risk {
	var risks []Risk
	add := func(present bool, name RiskName, cause string) {
		known := slices.ContainsFunc(risks, func(r Risk) bool { return r.Name == name })
		if present && !known {
			risks = append(risks, Risk{name, cause})
		}
	}
	add(s.Privileged, RiskPrivileged, "--privileged")
	for _, n := range s.Networks {
		add(n.Name == "host", RiskHostNet, "--net=host")
	}
	add(s.PID == Host, RiskHostPID, "--pid=host")
	add(s.IPC == Host, RiskHostIPC, "--ipc=host")
	add(s.UTS == Host, RiskHostUTS, "--uts=host")
	add(s.UserNS == Host, RiskHostUserNS, "--userns=host")
	add(s.CgroupNS == Host, RiskHostCgroup, "--cgroupns=host")
	for _, c := range s.CapAdd {
		add(true, RiskCapAdd, "--cap-add="+c)
	}
	for _, d := range s.Devices {
		add(true, RiskDevice, "--device="+d.String())
	}
	for _, o := range s.SecurityOpts {
		add(true, securityRisks[o], "--security-opt="+o.String())
	}
	for _, m := range s.Mounts {
		name, found := mountRisk(m)
		add(found, name, "-v "+m.Source+":"+m.Target)
	}
	return slices.DeleteFunc(risks, func(r Risk) bool { return r.Name == "" })
}

var securityRisks = map[Pair]RiskName{
	{Name: "label", Value: "disable"}:       RiskLabelOff,
	{Name: "seccomp", Value: "unconfined"}:  RiskSeccompOff,
	{Name: "apparmor", Value: "unconfined"}: RiskAppArmorOff,
}

var sourceRisks = map[string]RiskName{
	"/":        RiskHostRoot,
	"/etc":     RiskHostEtc,
	"/dev":     RiskHostDev,
	"/proc":    RiskHostProc,
	"/sys":     RiskHostSys,
	"/run":     RiskHostRun,
	"/var/run": RiskHostRun,
}

var engineSockets = []string{"docker.sock", "podman.sock", "containerd.sock", "crio.sock"}

// mountRisk judges a bind mount by its source. Symbolic links are not looked
// up: the Spec may be for another host.
func mountRisk(m Mount) (RiskName, bool) {
	if m.Type != Bind {
		return "", false
	}
	source := path.Clean(m.Source)
	if slices.Contains(engineSockets, path.Base(source)) {
		return RiskEngineSocket, true
	}
	// A path may begin with two slashes and still be the same one.
	name, found := sourceRisks["/"+strings.TrimLeft(source, "/")]
	return name, found
}
