package images

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Sockets as Probe lists them.
func rootSockets(podman, docker SocketState) []Socket {
	return []Socket{
		{Kind: Podman, URL: "unix:///run/podman/podman.sock", State: podman},
		{Kind: Docker, URL: "unix:///var/run/docker.sock", State: docker},
	}
}

func userSockets(podman, docker, system SocketState) []Socket {
	return []Socket{
		{Kind: Podman, URL: "unix:///run/user/7/podman/podman.sock", Rootless: true, State: podman},
		{Kind: Docker, URL: "unix:///run/user/7/docker.sock", Rootless: true, State: docker},
		{Kind: Docker, URL: "unix:///var/run/docker.sock", State: system},
	}
}

func TestDetect(t *testing.T) {
	const (
		podmanSock = "unix:///run/podman/podman.sock"
		dockerSock = "unix:///var/run/docker.sock"
	)
	tests := map[string]struct {
		probes Probes
		want   Choice
	}{
		"root, both answer": {
			Probes{Sockets: rootSockets(SocketAnswers, SocketAnswers)},
			Choice{Kind: Podman, URL: podmanSock, Reasons: []string{
				"podman at " + podmanSock + " is chosen: it answers",
				"docker at " + dockerSock + " is passed over: it answers, but the other comes first",
			}},
		},
		"root, docker answers, program too": {
			Probes{Sockets: rootSockets(SocketAbsent, SocketAnswers), PodmanProgram: "/usr/bin/podman"},
			Choice{Kind: Docker, URL: dockerSock, Reasons: []string{
				"podman at " + podmanSock + " is passed over: not there",
				"docker at " + dockerSock + " is chosen: it answers",
			}},
		},
		"the configuration prefers docker": {
			Probes{ConfDocker: "docker-latest", ConfStorage: "docker", Sockets: rootSockets(SocketAnswers, SocketAnswers)},
			Choice{Kind: Docker, URL: dockerSock, Reasons: []string{
				"default_docker: docker-latest of the configuration prefers docker",
				"docker at " + dockerSock + " is chosen: it answers",
				"podman at " + podmanSock + " is passed over: it answers, but the other comes first",
			}},
		},
		"the preferred one does not answer": {
			Probes{ConfStorage: "docker", Sockets: rootSockets(SocketAnswers, SocketRefused)},
			Choice{Kind: Podman, URL: podmanSock, Reasons: []string{
				"default_storage: docker of the configuration prefers docker",
				"docker at " + dockerSock + " is passed over: connection refused",
				"podman at " + podmanSock + " is chosen: it answers",
			}},
		},
		"the configuration disagrees with itself": {
			Probes{ConfDocker: "/usr/bin/docker", ConfStorage: "containers-storage", Sockets: rootSockets(SocketAbsent, SocketAnswers)},
			Choice{Kind: Docker, URL: dockerSock, Reasons: []string{
				"default_docker: /usr/bin/docker of the configuration prefers docker",
				"default_storage: containers-storage of the configuration is passed over: default_docker comes first",
				"docker at " + dockerSock + " is chosen: it answers",
				"podman at " + podmanSock + " is passed over: not there",
			}},
		},
		"the configuration names no engine": {
			Probes{ConfStorage: "ostree", Sockets: rootSockets(SocketAnswers, SocketAbsent)},
			Choice{Kind: Podman, URL: podmanSock, Reasons: []string{
				"default_storage: ostree of the configuration is passed over: it is neither docker nor podman",
				"podman at " + podmanSock + " is chosen: it answers",
				"docker at " + dockerSock + " is passed over: not there",
			}},
		},
		"asked for docker": {
			Probes{Wanted: "docker", ConfDocker: "podman", Sockets: rootSockets(SocketAnswers, SocketAnswers)},
			Choice{Kind: Docker, URL: dockerSock, Reasons: []string{
				"docker was asked for, nothing else is considered",
				"docker at " + dockerSock + " is chosen: it answers",
			}},
		},
		"asked for podman, another engine's variable": {
			Probes{Wanted: "podman", DockerHost: "tcp://h:1", Sockets: rootSockets(SocketAnswers, SocketAnswers)},
			Choice{Kind: Podman, URL: podmanSock, Reasons: []string{
				"podman was asked for, nothing else is considered",
				"DOCKER_HOST=tcp://h:1 is passed over: it is for docker, and podman was asked for",
				"podman at " + podmanSock + " is chosen: it answers",
			}},
		},
		"DOCKER_HOST against preference and socket": {
			Probes{ConfDocker: "podman", DockerHost: "tcp://u:secret@h:1", Sockets: rootSockets(SocketAnswers, SocketAnswers)},
			Choice{Kind: Docker, URL: "tcp://u:secret@h:1", Advice: []string{"unset DOCKER_HOST"}, Reasons: []string{
				"default_docker: podman of the configuration prefers podman",
				"the preference for podman is passed over: the environment comes first",
				"DOCKER_HOST=tcp://u:xxxxx@h:1 is chosen: it is set, and sockets do not count then",
			}},
		},
		"CONTAINER_HOST": {
			Probes{ContainerHost: "unix:///p", Sockets: rootSockets(SocketAbsent, SocketAnswers)},
			Choice{Kind: Podman, URL: "unix:///p", Advice: []string{"unset CONTAINER_HOST"}, Reasons: []string{
				"CONTAINER_HOST=unix:///p is chosen: it is set, and sockets do not count then",
			}},
		},
		"both variables": {
			Probes{DockerHost: "unix:///d", ContainerHost: "unix:///p"},
			Choice{Kind: Docker, URL: "unix:///d", Advice: []string{"unset DOCKER_HOST"}, Reasons: []string{
				"CONTAINER_HOST=unix:///p is passed over: DOCKER_HOST is set too",
				"DOCKER_HOST=unix:///d is chosen: labels are written for docker",
			}},
		},
		"both variables, podman preferred": {
			Probes{ConfDocker: "podman", DockerHost: "unix:///d", ContainerHost: "unix:///p"},
			Choice{Kind: Podman, URL: "unix:///p", Advice: []string{"unset CONTAINER_HOST"}, Reasons: []string{
				"default_docker: podman of the configuration prefers podman",
				"DOCKER_HOST=unix:///d is passed over: CONTAINER_HOST is set too",
				"CONTAINER_HOST=unix:///p is chosen: the configuration prefers podman",
			}},
		},
		"both variables, docker preferred": {
			Probes{ConfDocker: "docker", DockerHost: "unix:///d", ContainerHost: "unix:///p"},
			Choice{Kind: Docker, URL: "unix:///d", Advice: []string{"unset DOCKER_HOST"}, Reasons: []string{
				"default_docker: docker of the configuration prefers docker",
				"CONTAINER_HOST=unix:///p is passed over: DOCKER_HOST is set too",
				"DOCKER_HOST=unix:///d is chosen: the configuration prefers docker",
			}},
		},
		"user, system docker permitted": {
			Probes{UID: 7, Sockets: userSockets(SocketAbsent, SocketTimeout, SocketAnswers)},
			Choice{Kind: Docker, URL: dockerSock, Reasons: []string{
				"rootless podman at unix:///run/user/7/podman/podman.sock is passed over: not there",
				"rootless docker at unix:///run/user/7/docker.sock is passed over: no answer",
				"docker at " + dockerSock + " is chosen: it answers",
			}},
		},
		"user, only the program": {
			Probes{UID: 7, ConfDocker: "docker", PodmanProgram: "/usr/bin/podman", Sockets: userSockets(SocketAbsent, SocketAbsent, SocketDenied)},
			Choice{Kind: Podman, Serve: "/usr/bin/podman", Reasons: []string{
				"default_docker: docker of the configuration prefers docker",
				"rootless docker at unix:///run/user/7/docker.sock is passed over: not there",
				"docker at " + dockerSock + " is passed over: permission denied",
				"rootless podman at unix:///run/user/7/podman/podman.sock is passed over: not there",
				"podman is chosen: no socket answers, but /usr/bin/podman can serve",
			}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Detect(test.probes)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDetectNothing(t *testing.T) {
	tests := map[string]struct {
		probes  Probes
		message string
		advice  []string
		is      error
	}{
		"nothing installed": {
			Probes{Sockets: rootSockets(SocketAbsent, SocketAbsent)},
			"no container engine: podman at unix:///run/podman/podman.sock: not there; " +
				"docker at unix:///var/run/docker.sock: not there; the program podman: not in $PATH",
			[]string{"apt-get install podman", "dnf install podman"},
			ErrUnreachable,
		},
		"nothing installed, a user of Fedora": {
			Probes{UID: 7, Installer: "dnf", Wanted: "docker"},
			"no container engine: ",
			[]string{"sudo dnf install moby-engine"},
			ErrUnreachable,
		},
		"docker not installed on Debian": {
			Probes{Installer: "apt-get", Wanted: "docker", PodmanProgram: "/usr/bin/podman", Sockets: rootSockets(SocketAbsent, SocketAbsent)},
			"no container engine: docker at unix:///var/run/docker.sock: not there",
			[]string{"apt-get install docker.io"},
			ErrUnreachable,
		},
		"docker never started": {
			Probes{DockerProgram: "/usr/bin/docker", Sockets: rootSockets(SocketAbsent, SocketAbsent)},
			"not there",
			[]string{"systemctl start docker"},
			ErrUnreachable,
		},
		"docker-latest ended": {
			Probes{ConfDocker: "docker-latest", Sockets: rootSockets(SocketAbsent, SocketRefused)},
			"docker at unix:///var/run/docker.sock: connection refused",
			[]string{"systemctl start docker-latest"},
			ErrUnreachable,
		},
		"podman's socket ended": {
			Probes{Sockets: rootSockets(SocketRefused, SocketAbsent)},
			"podman at unix:///run/podman/podman.sock: connection refused",
			[]string{"systemctl enable --now podman.socket"},
			ErrUnreachable,
		},
		"both hang": {
			Probes{Sockets: rootSockets(SocketTimeout, SocketTimeout)},
			"no answer",
			[]string{"systemctl status podman.socket", "systemctl status docker"},
			ErrUnreachable,
		},
		"a user's own ended, the system's is denied": {
			Probes{UID: 7, Sockets: userSockets(SocketRefused, SocketRefused, SocketDenied)},
			"docker at unix:///var/run/docker.sock: permission denied",
			[]string{"systemctl --user enable --now podman.socket", "systemctl --user start docker", "sudo atomic …"},
			ErrDenied,
		},
		"root is denied": {
			Probes{Sockets: rootSockets(SocketAbsent, SocketDenied)},
			"permission denied",
			[]string{"ls -lZ /var/run/docker.sock"},
			ErrDenied,
		},
		"denied, but not what was asked for": {
			Probes{UID: 7, Wanted: "podman", DockerHost: "tcp://h:1", Installer: "apt-get", Sockets: userSockets(SocketAbsent, SocketAbsent, SocketDenied)},
			"no container engine: DOCKER_HOST=tcp://h:1: it is for docker, and podman was asked for; " +
				"rootless podman at unix:///run/user/7/podman/podman.sock: not there; the program podman: not in $PATH",
			[]string{"sudo apt-get install podman"},
			ErrUnreachable,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			choice, err := Detect(test.probes)
			noEngine, ok := errors.AsType[*NoEngineError](err)
			if !ok {
				t.Fatalf("got %v, %v", choice, err)
			}
			if !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
			if errors.Is(err, ErrDenied) && errors.Is(err, ErrUnreachable) {
				t.Errorf("%v is two things", err)
			}
			if !strings.Contains(err.Error(), test.message) {
				t.Errorf("%q lacks %q", err, test.message)
			}
			if diff := cmp.Diff(test.advice, noEngine.Advice); diff != "" {
				t.Error(diff)
			}
			for _, s := range test.probes.Sockets {
				reasons := strings.Join(choice.Reasons, "\n")
				if wanted := test.probes.Wanted; (wanted == "" || wanted == string(s.Kind)) && !strings.Contains(reasons, s.URL) {
					t.Errorf("%s is not in the reasons:\n%s", s.URL, reasons)
				}
			}
		})
	}
}

func TestDetectUnknownEngine(t *testing.T) {
	_, err := Detect(Probes{Wanted: "dokcer", Sockets: rootSockets(SocketAnswers, SocketAnswers)})
	if err == nil || err.Error() != `unknown engine "dokcer": it is docker or podman` {
		t.Errorf("got %v", err)
	}
	if _, ok := errors.AsType[*NoEngineError](err); ok {
		t.Error("a wish that makes no sense is not a lack of engines")
	}
}

func TestEngineOf(t *testing.T) {
	for value, want := range map[string]Kind{
		"docker": Docker, "Docker-Latest": Docker, "docker-current": Docker, "/usr/bin/docker": Docker,
		"podman": Podman, " podman-remote ": Podman, "containers-storage": Podman,
		"ostree": "", "": "", "nodocker": "",
	} {
		if got := engineOf(value); got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}

func TestWithoutPassword(t *testing.T) {
	for address, want := range map[string]string{
		"unix:///run/docker.sock": "unix:///run/docker.sock",
		"ssh://core@h:22/run/x":   "ssh://core@h:22/run/x",
		"tcp://u:secret@h":        "tcp://u:xxxxx@h",
		"tcp://u:sec%ret@h":       "…@h",
		"127.0.0.1:2375":          "127.0.0.1:2375",
	} {
		if got := withoutPassword(address); got != want {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	}
}
