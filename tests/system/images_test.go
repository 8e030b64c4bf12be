package system_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/tests/system/built"
)

// The commands that the product's guide says are run, in docker's name.
const (
	toolsRun = "docker run -it --name rhel-tools --privileged --ipc=host --net=host --pid=host -e HOST=/host" +
		" -e NAME=rhel-tools -e IMAGE=rhel7/rhel-tools -v /run:/run -v /var/log:/var/log" +
		" -v /etc/localtime:/etc/localtime -v /:/host rhel7/rhel-tools"
	logInstall = "docker run --rm --privileged -v /:/host -e HOST=/host -e IMAGE=rhel7/rsyslog -e NAME=rsyslog" +
		" rhel7/rsyslog /bin/install.sh"
	logRun = "docker run -d --privileged --name rsyslog --net=host -v /etc/pki/rsyslog:/etc/pki/rsyslog" +
		" -v /etc/rsyslog.conf:/etc/rsyslog.conf -v /etc/rsyslog.d:/etc/rsyslog.d -v /var/log:/var/log" +
		" -v /var/lib/rsyslog:/var/lib/rsyslog -v /run/log:/run/log -v /etc/machine-id:/etc/machine-id" +
		" -v /etc/localtime:/etc/localtime -e IMAGE=rhel7/rsyslog -e NAME=rsyslog --restart=always" +
		" rhel7/rsyslog /bin/rsyslog.sh"
	activityInstall = "docker run --rm --privileged --name sadc -v /:/host -e HOST=/host -e IMAGE=rhel7/sadc -e NAME=name" +
		" rhel7/sadc /usr/local/bin/sysstat-install.sh"
	activityRun = "docker run -d --privileged --name sadc -v /etc/sysconfig/sysstat:/etc/sysconfig/sysstat" +
		" -v /etc/sysconfig/sysstat.ioconf:/etc/sysconfig/sysstat.ioconf -v /var/log/sa:/var/log/sa -v /:/host" +
		" -e HOST=/host -e IMAGE=rhel7/sadc -e NAME=sadc --net=host --restart=always" +
		" rhel7/sadc /usr/local/bin/sysstat.sh"
)

// wantAnnounced checks that the first line printed is the command, in the name
// of the engine at hand.
func wantAnnounced(t *testing.T, w *built.World, printed, want string) {
	t.Helper()
	first, _, _ := strings.Cut(printed, "\n")
	if want = strings.Replace(want, "docker", string(w.Kind), 1); first != want {
		t.Errorf("the first line is\n%s\nwant\n%s", first, want)
	}
}

// startHostProcess starts a process that makes system calls until the test
// ends.
func startHostProcess(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sh", "-c", "while :; do sleep 0.05; done", "seen-from-the-tools")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd
}

func TestTools(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image, report = "rhel7/rhel-tools", "/var/tmp/atomic-test-report"
		w.Need(image)
		w.Own("rhel-tools")
		setAside(t, report)
		process := startHostProcess(t)

		first := w.Command("run", image)
		first.Stdin = strings.NewReader(fmt.Sprintf(`
			ps -p %[1]d -o args=
			strace -p %[1]d 2>&1 | grep -q -m1 -E 'wait4|fork|clone' && echo traced
			for ns in pid net ipc; do readlink /proc/self/ns/$ns; done
			cat $HOST/etc/passwd
			echo a report > /host%[2]s
			echo a change > /made-inside
			exit 7`, process.Process.Pid, report))
		r := w.Finish(first)
		if r.Status != 7 {
			t.Fatalf("status %d, want 7\n%s", r.Status, r.Stderr)
		}
		wantAnnounced(t, w, r.Stderr, toolsRun)
		passwd, err := os.ReadFile("/etc/passwd")
		if err != nil {
			t.Fatal(err)
		}
		want := "sh -c while :; do sleep 0.05; done seen-from-the-tools\ntraced\n" + namespaces(t, "pid", "net", "ipc") + string(passwd)
		if r.Stdout != want {
			t.Errorf("printed\n%s\nwant\n%s", r.Stdout, want)
		}
		made := w.Container("rhel-tools")

		second := w.Command("run", image)
		second.Stdin = strings.NewReader("cat /made-inside\n")
		r = w.MustFinish(second)
		if r.Stdout != "a change\n" {
			t.Errorf("the change made inside is %q", r.Stdout)
		}
		if want := string(w.Kind) + " start -a -i rhel-tools\n"; r.Stderr != want {
			t.Errorf("printed %q, want %q", r.Stderr, want)
		}
		if c := w.Container("rhel-tools"); c.ID != made.ID {
			t.Errorf("the second run made another container")
		}

		if err := w.Engine.Remove(t.Context(), "rhel-tools", false); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(report); err != nil || string(text) != "a report\n" {
			t.Errorf("the report on the host is %q, %v", text, err)
		}
	})
}

// namespaces are those of this process, a line for each.
func namespaces(t *testing.T, names ...string) string {
	t.Helper()
	var lines strings.Builder
	for _, name := range names {
		ns, err := os.Readlink("/proc/self/ns/" + name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&lines, ns)
	}
	return lines.String()
}

// One tool is run by its name, in a container that need not be kept.
func TestOneTool(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "rhel7/rhel-tools"
		w.Need(image)
		w.Own("rhel-tools")
		process := startHostProcess(t)
		pid := strconv.Itoa(process.Process.Pid)

		r := w.Must("run", image, "ps", "-p", pid, "-o", "pid=")
		wantAnnounced(t, w, r.Stderr, toolsRun+" ps -p "+pid+" -o pid=")
		if strings.TrimSpace(r.Stdout) != pid {
			t.Errorf("ps printed %q, want %s", r.Stdout, pid)
		}
		// The same again finds the container, and what has happened to it.
		if r := w.Must("run", image, "ps", "-p", pid, "-o", "pid="); strings.TrimSpace(r.Stdout) != pid {
			t.Errorf("ps printed %q at the second run, want %s", r.Stdout, pid)
		}
		if err := w.Engine.Remove(t.Context(), "rhel-tools", false); err != nil {
			t.Fatal(err)
		}

		r = w.Must("run", "--ephemeral", image, "readlink", "/host/proc/"+pid+"/exe")
		if want, err := os.Readlink("/proc/" + pid + "/exe"); err != nil || r.Stdout != want+"\n" {
			t.Errorf("readlink printed %q, want %q (%v)", r.Stdout, want, err)
		}
		if !w.Gone("rhel-tools") {
			t.Error("the container was to be removed with its end")
		}
	})
}

// keepImage holds on to an image whose uninstall takes its name away.
func keepImage(t *testing.T, w *built.World, image string) {
	t.Helper()
	img, err := w.Engine.Image(t.Context(), image)
	if err != nil {
		t.Fatal(err)
	}
	kept := "kept/" + filepath.Base(image)
	if err := w.Engine.Tag(t.Context(), img.ID, kept); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, name := range img.Names {
			if err := w.Engine.Tag(context.Background(), img.ID, name); err != nil {
				t.Errorf("giving %s its name back: %v", image, err)
			}
		}
		if err := w.Engine.RemoveImage(context.Background(), kept, false); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
}

// wantForgotten checks that after an uninstall neither the record nor the name
// of the image is left.
func wantForgotten(t *testing.T, w *built.World, image string) {
	t.Helper()
	if _, err := w.Engine.Image(t.Context(), image); !errors.Is(err, images.ErrNotFound) {
		t.Errorf("the image has its name after uninstall: %v", err)
	}
	records, err := os.ReadFile(filepath.Join(w.Dir, "install.json"))
	if err != nil || strings.Contains(string(records), image) {
		t.Errorf("the install records are %s, %v", records, err)
	}
}

// isFolder fails the test when the path is something else.
func isFolder(t *testing.T, path string) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		t.Errorf("%s is no folder: %v", path, err)
	}
}

// isFile fails the test when the path is something else, or empty.
func isFile(t *testing.T, path string) {
	t.Helper()
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		t.Errorf("%s is no file with something in it: %v", path, err)
	}
}

func TestLog(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "rhel7/rsyslog"
		w.Need(image)
		keepImage(t, w, image)
		setAside(t, "/etc/pki/rsyslog", "/etc/rsyslog.conf", "/etc/rsyslog.d", "/etc/sysconfig/rsyslog",
			"/var/lib/rsyslog", "/var/log/messages", "/var/log/secure",
			"/var/log/cron", "/var/log/maillog", "/var/log/boot.log")
		if !isThere("/run/systemd/journal") {
			setAside(t, "/dev/log", "/run/log/syslog.socket")
		}
		w.Own("rsyslog") // last, so that it goes before its files

		if r := w.Run("run", image); r.Status != 1 || !strings.Contains(r.Stderr, "atomic install "+image) {
			t.Errorf("run before install: status %d\n%s", r.Status, r.Stderr)
		}
		installLog(t, w, image)
		runLog(t, w, image)

		// Whoever kills the service finds it running again.
		killed := w.Container("rsyslog").PID
		if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		w.Eventually("the restart", func() bool {
			c, err := w.Engine.Container(t.Context(), "rsyslog")
			return err == nil && c.State == images.Running && c.PID != killed
		})
		wantLogged(t, w, "after the restart")

		// The upgrade: all again, on a host that has the files already.
		w.Must("stop", "rsyslog")
		if w.Running("rsyslog") {
			t.Error("it runs after atomic stop")
		}
		w.Must("--assumeyes", "containers", "delete", "rsyslog")
		installLog(t, w, image)
		runLog(t, w, image)

		if r := w.Run("uninstall", image); r.Status != 1 || !strings.Contains(r.Stderr, "in use") {
			t.Errorf("uninstall while it runs: status %d\n%s", r.Status, r.Stderr)
		}
		w.Must("uninstall", "--force", image)
		if !w.Gone("rsyslog") {
			t.Error("the container is there after uninstall --force")
		}
		wantForgotten(t, w, image)
	})
}

func installLog(t *testing.T, w *built.World, image string) {
	t.Helper()
	r := w.Must("install", image)
	wantAnnounced(t, w, r.Stderr, logInstall)
	isFolder(t, "/etc/pki/rsyslog")
	isFile(t, "/etc/rsyslog.conf")
	isFile(t, "/etc/sysconfig/rsyslog")
	found := w.Installed(image)
	if len(found) != 1 || found[0].Entry.ContainerName != "rsyslog" {
		t.Errorf("the install records are %+v", found)
	}
}

func runLog(t *testing.T, w *built.World, image string) {
	t.Helper()
	r := w.Must("run", image)
	wantAnnounced(t, w, r.Stdout, logRun)
	c := w.Container("rsyslog")
	if !strings.HasSuffix(r.Stdout, "\n"+c.ID+"\n") || c.State != images.Running {
		t.Errorf("the container is %s %s; printed\n%s", c.State, c.ID, r.Stdout)
	}
	wantLogged(t, w, "after the start of "+c.ID)
}

// wantLogged logs as programs of the host do, and waits for it in the log.
func wantLogged(t *testing.T, w *built.World, text string) {
	t.Helper()
	w.Eventually("the message "+text, func() bool {
		// It may not listen yet.
		if exec.Command("logger", "Test that rsyslog is doing great "+text).Run() != nil {
			return false
		}
		log, err := os.ReadFile("/var/log/messages")
		return err == nil && strings.Contains(string(log), "Test that rsyslog is doing great "+text+"\n")
	})
}

// sample is a line of sar's table.
var sample = regexp.MustCompile(`(?m)^[0-9:]{8}( [AP]M)? +all +([0-9.]+ *){6}$`)

func TestActivity(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "rhel7/sadc"
		files := []string{"/etc/cron.d/sysstat", "/etc/sysconfig/sysstat", "/etc/sysconfig/sysstat.ioconf", "/usr/local/bin/sysstat.sh"}
		w.Need(image)
		keepImage(t, w, image)
		setAside(t, append(files, "/var/log/sa")...)
		w.Own("sadc")

		r := w.Must("install", image)
		wantAnnounced(t, w, r.Stderr, activityInstall)
		for _, file := range files {
			isFile(t, file)
		}
		if found := w.Installed(image); len(found) != 1 || found[0].Entry.ContainerName != "sadc" {
			t.Errorf("the install records are %+v", found)
		}

		r = w.Must("run", image)
		wantAnnounced(t, w, r.Stdout, activityRun)
		w.Eventually("the first sample", func() bool {
			files, err := filepath.Glob("/var/log/sa/sa[0-9]*")
			return err == nil && len(files) > 0
		})
		w.Must("run", image, "/usr/lib64/sa/sa1", "1", "1")
		w.Eventually("sar to show a sample", func() bool {
			return sample.MatchString(w.Must("run", image, "sar").Stdout)
		})

		w.Must("stop", "sadc")
		if c := w.Container("sadc"); c.IsRunning() || c.ExitCode != 0 {
			t.Errorf("it is %s with status %d after atomic stop", c.State, c.ExitCode)
		}
		w.Must("--assumeyes", "containers", "delete", "sadc")
		w.Must("uninstall", image)
		wantForgotten(t, w, image)
	})
}
