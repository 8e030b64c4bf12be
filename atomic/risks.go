package main

import (
	"slices"
	"strings"

	"github.com/projectatomic/atomic/labels/run"
)

// riskWords says in plain words what each risk means for the host.
var riskWords = map[run.RiskName]string{
	run.RiskPrivileged:   "it has every capability and device; a program in it can take over the host",
	run.RiskHostPID:      "it sees and can signal or trace every process of the host",
	run.RiskHostNet:      "it uses the host's network: it can listen on any port and reach services bound to localhost",
	run.RiskHostIPC:      "it shares memory and semaphores with processes of the host",
	run.RiskHostUTS:      "it can change the host's name",
	run.RiskHostUserNS:   "root in it is root on the host",
	run.RiskHostCgroup:   "it sees the host's control groups",
	run.RiskCapAdd:       "it has capabilities that containers do not have",
	run.RiskDevice:       "it can use a device of the host directly",
	run.RiskLabelOff:     "SELinux does not keep it from the host's files",
	run.RiskSeccompOff:   "no system call is kept from it",
	run.RiskAppArmorOff:  "AppArmor does not confine it",
	run.RiskHostRoot:     "it has the host's whole file system",
	run.RiskHostEtc:      "it has the host's configuration, passwords included",
	run.RiskHostDev:      "it has the host's devices, disks included",
	run.RiskHostProc:     "it has the host's /proc: kernel settings and every process",
	run.RiskHostSys:      "it has the host's /sys: kernel and devices",
	run.RiskHostRun:      "it has the sockets of the host's services: systemd, D-Bus, the engine",
	run.RiskEngineSocket: "it can start any container through the engine's socket, so it is root on the host",
	run.RiskHostCommand:  "the image's author chose a program that runs on the host as you, outside any container",
}

// needAccepting are the risks that the user must accept by name.
var needAccepting = []run.RiskName{run.RiskHostCommand}

// checkAccepted refuses risks that nobody accepted, and names of risks that
// there are not.
func checkAccepted(risks []run.Risk, accepted []string) error {
	for _, name := range accepted {
		if riskWords[run.RiskName(name)] == "" {
			return refusal{why: "there is no risk called " + name, hint: "the names are in atomic(1) under RISKS"}
		}
	}
	for _, r := range risks {
		if slices.Contains(needAccepting, r.Name) && !slices.Contains(accepted, string(r.Name)) {
			return refusal{
				why:  "the label runs " + r.Cause + " on the host: " + riskWords[r.Name],
				hint: "if you trust the image, add --accept-risk=" + string(r.Name),
			}
		}
	}
	return nil
}

// explain tells the risks of what is about to run, once each.
func (e *env) explain(risks []run.Risk) {
	if len(risks) == 0 {
		return
	}
	e.notef("This container is not isolated from the host:")
	width := 0
	for _, r := range risks {
		width = max(width, len(r.Cause))
	}
	for _, r := range risks {
		e.notef("  %s%s  %s", r.Cause, strings.Repeat(" ", width-len(r.Cause)), riskWords[r.Name])
	}
}
