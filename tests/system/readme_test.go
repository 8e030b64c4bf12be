package system_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/shlex"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/tests/console"
	"github.com/projectatomic/atomic/tests/system/built"
)

// cockpit has the labels of the image that the project publishes.
func cockpit() enginetest.ImageOptions {
	return enginetest.ImageOptions{Labels: map[string]string{
		"INSTALL":   "docker run --rm --privileged -v /:/host -e IMAGE=${IMAGE} ${IMAGE} /container/label-install ${IMAGE}",
		"UNINSTALL": "docker run --rm --privileged -v /:/host -e IMAGE=${IMAGE} ${IMAGE} /container/label-uninstall ${IMAGE}",
		"RUN":       "docker run -d --name ${NAME} --privileged --pid=host -v /:/host -e NAME=${NAME} -e IMAGE=${IMAGE} ${IMAGE} /container/label-run",
	}}
}

// TestReadme types the sessions of README.md, with Docker, and reads along.
func TestReadme(t *testing.T) {
	w := built.New(t, images.Docker)
	w.Need("rhel7/rhel-tools")
	w.Need("rhel7/rsyslog")
	keepImage(t, w, "rhel7/rsyslog")
	setAside(t, "/etc/pki/rsyslog", "/etc/rsyslog.conf", "/etc/rsyslog.d", "/etc/sysconfig/rsyslog", "/var/lib/rsyslog",
		"/var/log/messages", "/var/log/secure", "/var/log/cron", "/var/log/maillog", "/var/log/boot.log")
	if !isThere("/run/systemd/journal") {
		setAside(t, "/dev/log", "/run/log/syslog.socket")
	}
	w.Own("rhel-tools")
	w.Own("rsyslog")
	w.Load("quay.io/cockpit/ws", cockpit())

	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	sessions := console.Sessions(string(text))
	if len(sessions) < 3 {
		t.Fatalf("README.md has %d sessions", len(sessions))
	}
	var host []string
	for _, session := range sessions {
		for _, command := range session {
			host = typeCommand(t, w, command, host)
		}
	}
}

// typeCommand runs a line of a session and gives the words of a program of the
// host, for the next line. Such a program may have to wait for the service of
// which it speaks, and what was said to a service that did not listen yet has
// to be said again.
func typeCommand(t *testing.T, w *built.World, c console.Command, before []string) []string {
	t.Helper()
	words, err := shlex.Split(c.Text)
	if err != nil || len(words) == 0 {
		t.Fatalf("line %d: %v", c.Line, err)
	}
	if words[0] == "atomic" {
		var printed strings.Builder
		cmd := w.Command(words[1:]...)
		cmd.Stdout, cmd.Stderr = &printed, &printed
		w.Finish(cmd)
		if err := c.Check(printed.String()); err != nil {
			t.Error(err)
		}
		return nil
	}
	w.Eventually(c.Text, func() bool {
		if before != nil && exec.Command(before[0], before[1:]...).Run() != nil {
			return false
		}
		out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
		return err == nil && (c.Check(string(out)) == nil || c.Check(lastLine(string(out))) == nil)
	})
	return words
}

// lastLine is what is printed once of what was said more than once.
func lastLine(text string) string {
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	return lines[len(lines)-1] + "\n"
}
