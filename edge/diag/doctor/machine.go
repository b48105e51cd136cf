package doctor

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/beevik/ntp"
	"golang.org/x/sys/unix"

	"lanewarden/drivers/message"
)

// checkPermissions tests whether the agent's user can write to its folders, and reports the first
// where it cannot. An agent that somebody has started by hand as root leaves files that the user
// cannot write.
func (p *examination) checkPermissions() {
	if p.config == nil {
		return
	}
	uid, gids, name := p.agentUser()
	dir := p.config.Agent.StateDir
	paths := []string{dir}
	for _, sub := range []string{"journal", "tape"} {
		if _, err := os.Lstat(filepath.Join(dir, sub)); err == nil {
			paths = append(paths, filepath.Join(dir, sub))
		}
	}
	if files, err := filepath.Glob(filepath.Join(dir, "journal", "journal.*")); err == nil {
		paths = append(paths, files...)
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || writable(info, uid, gids) {
			continue
		}
		p.add(Finding{
			Subject: []string{agentSubject}, Seen: mode(info),
			What: message.New("state-permission", message.String("user", name), message.String("path", path),
				message.String("folder", dir)),
		})
		return
	}
}

// agentUser returns the user that the agent runs as, with all groups; the one who examines when
// that is not known.
func (p *examination) agentUser() (uid int, gids []int, name string) {
	u, err := user.Lookup(p.User)
	if p.User == "" || err != nil {
		if u, err = user.Current(); err != nil {
			return os.Getuid(), nil, strconv.Itoa(os.Getuid())
		}
	}
	uid, _ = strconv.Atoi(u.Uid)
	ids, _ := u.GroupIds()
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil {
			gids = append(gids, n)
		}
	}
	return uid, gids, u.Username
}

// writable reports whether a user may write to a file by its mode. Access control lists are not
// looked at.
func writable(info fs.FileInfo, uid int, gids []int) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	mode := info.Mode().Perm()
	switch {
	case uid == 0 || !ok:
		return true
	case int(s.Uid) == uid:
		return mode&0o200 != 0
	case slices.Contains(gids, int(s.Gid)):
		return mode&0o020 != 0
	}
	return mode&0o002 != 0
}

// mode returns the mode and the owner of a file as evidence.
func mode(info fs.FileInfo) message.Message {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return message.Verbatim(info.Mode().String())
	}
	return message.New("seen.mode", message.String("mode", info.Mode().String()),
		message.String("owner", fmt.Sprint(s.Uid)), message.String("group", fmt.Sprint(s.Gid)))
}

// diskFull is what the journal and its log need to go on; diskShort leaves time to do something.
const (
	diskFull  = 32 << 20 // bytes: the journal and its log need that to go on
	diskShort = 5        // percent
)

// checkDisk examines the disks of the state folder and of drop folders.
func (p *examination) checkDisk(context.Context) {
	if p.config == nil {
		return
	}
	places := map[string]string{p.config.Agent.StateDir: "agent"}
	for _, d := range p.config.Devices {
		for _, e := range d.Endpoints() {
			if e.Kind == "folder" {
				places[e.Where] = d.ID
			}
		}
	}
	for path, subject := range places {
		var s unix.Statfs_t
		if unix.Statfs(path, &s) != nil || s.Blocks == 0 {
			continue
		}
		p.checkSpace(path, subject, s)
	}
}

// checkSpace reports a disk that is nearly full, or that has no room for another file (inodes).
func (p *examination) checkSpace(path, subject string, s unix.Statfs_t) {
	const mega = 1 << 20
	free := s.Bavail * uint64(s.Bsize)
	f := Finding{Subject: []string{subject}, host: "disk", Seen: message.New("seen.disk",
		message.Quantity("free", float64(free/mega), 0, "MB"),
		message.Quantity("total", float64(s.Blocks*uint64(s.Bsize)/mega), 0, "MB"))}
	where := message.String("path", path)
	switch {
	case free < diskFull:
		f.What = message.New("disk-full", where)
	case s.Files > 0 && s.Ffree == 0:
		f.What, f.Seen = message.New("disk-inodes", where), message.New("seen.inodes", message.Int("n", s.Files))
	case 100*s.Bavail/s.Blocks < diskShort:
		f.What = message.New("disk-short", where)
	default:
		return
	}
	p.add(f)
}

// clockLimit is the clock error from which results of this lane cannot be compared with those of
// others.
const clockLimit = 2 * time.Second

// checkClock asks the first of the machine's time servers that answers for the clock error (NTP,
// RFC 5905). Without an answer it relies on what the kernel says of its synchronisation.
func (p *examination) checkClock(ctx context.Context) {
	servers := p.TimeServers
	if servers == nil {
		servers = machineTimeServers()
	}
	for _, server := range servers {
		r, err := ntp.QueryWithOptions(server, ntp.QueryOptions{Timeout: 2 * time.Second})
		if err != nil || ctx.Err() != nil {
			continue
		}
		if off := r.ClockOffset; off.Abs() > clockLimit {
			p.add(Finding{
				Subject: []string{machineSubject}, What: clockOff(-off),
				Seen: message.New("seen.time-server", message.String("server", server),
					message.String("time", time.Now().Add(off).UTC().Format(time.RFC3339))),
			})
		}
		return
	}
	if p.status == nil || p.status.Clock.Synchronised {
		return
	}
	evidence := message.New("seen.unsynchronised")
	if len(servers) > 0 {
		evidence = message.Join("; ", evidence, message.New("seen.no-time-server", message.Names("servers", servers)))
	}
	p.add(Finding{Subject: []string{machineSubject}, What: message.New("clock-unsynchronised"), Seen: evidence})
}

// clockOff says by how much the clock is ahead, or behind when that is negative.
func clockOff(ahead time.Duration) message.Message {
	direction := message.New("clock-off.ahead")
	if ahead < 0 {
		direction = message.New("clock-off.behind")
	}
	return message.New("clock-off", message.Duration("off", ahead.Abs()), message.Nested("direction", direction))
}

// machineTimeServers returns the servers that chrony, ntpd or timesyncd are configured with.
func machineTimeServers() (out []string) {
	for _, pattern := range []string{"/etc/chrony/chrony.conf", "/etc/chrony/sources.d/*.sources", "/etc/ntp.conf", "/etc/ntpsec/ntp.conf", "/etc/systemd/timesyncd.conf", "/etc/systemd/timesyncd.conf.d/*.conf"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			out = append(out, timeServers(file)...)
		}
	}
	return out
}

// timeServers returns the servers that a configuration file names, in the syntax of any of the
// three; none when it cannot be read.
func timeServers(file string) (out []string) {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		words := strings.Fields(strings.Replace(s.Text(), "=", " ", 1))
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "server", "pool", "peer":
			out = append(out, words[1])
		case "NTP", "FallbackNTP":
			out = append(out, words[1:]...)
		}
	}
	return out
}
