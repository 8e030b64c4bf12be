package run

import (
	"slices"
	"strings"
	"testing"
)

func TestRisks(t *testing.T) {
	for text, want := range map[string]string{
		"--rm":                                 "",
		"--privileged":                         "privileged",
		"--privileged=false":                   "",
		"--net host":                           "host-net",
		"--network=host":                       "host-net",
		"--pid=host --ipc host":                "host-pid host-ipc",
		"--uts=host":                           "host-uts",
		"--userns=host":                        "host-userns",
		"--cgroupns=host":                      "host-cgroup",
		"--cap-add=sys_admin --cap-add=ALL":    "cap-add",
		"--cap-drop=ALL":                       "",
		"--device=/dev/kvm":                    "device",
		"--security-opt label:disable":         "label-disable",
		"--security-opt label=type:x":          "",
		"--security-opt=seccomp=unconfined":    "seccomp-unconfined",
		"--security-opt=apparmor=unconfined":   "apparmor-unconfined",
		"-v /:/host":                           "host-root",
		"-v /:/host:ro":                        "host-root",
		"-v /etc/..:/host":                     "host-root",
		"-v //:/host":                          "host-root",
		"-v /etc/:/a":                          "host-etc",
		"-v /etc/localtime:/etc/localtime":     "",
		"-v /dev:/dev -v /proc:/p -v /sys:/s":  "host-dev host-proc host-sys",
		"-v /run:/run":                         "host-run",
		"-v /var/run:/a -v /run:/b":            "host-run",
		"-v /run/docker.sock:/d":               "engine-socket",
		"-v /run/user/0/podman/podman.sock:/d": "engine-socket",
		"-v /srv/crio.sock:/d":                 "engine-socket",
		"--mount type=bind,src=/,dst=/host":    "host-root",
		"--mount type=tmpfs,dst=/etc":          "",
		"-v name:/etc":                         "",
		"-v ../../../..:/host":                 "host-root",
	} {
		spec, findings := parse(append(strings.Fields(text), "image")...)
		if findings != nil {
			t.Errorf("%s: %v", text, findings)
		}
		var names []string
		for _, r := range Risks(spec) {
			names = append(names, string(r.Name))
			if r.Cause == "" {
				t.Errorf("%s: %s has no cause", text, r.Name)
			}
		}
		wanted := strings.Fields(want)
		slices.Sort(names)
		slices.Sort(wanted)
		if !slices.Equal(names, wanted) {
			t.Errorf("%s: %v, want %v", text, names, wanted)
		}
	}
}
