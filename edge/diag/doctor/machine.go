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
)

// lookAtPermissions says whether the agent's user can write where it must.
func (p *patient) lookAtPermissions() {
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
			Cause: "state-permission", Subject: []string{"agent"}, Rank: rankPermission,
			Text: fmt.Sprintf("the agent's user %s may not write %s", name, path), Seen: info.Mode().String() + owner(info),
			Do: fmt.Sprintf("chown -R %s %s", name, dir),
		})
		return
	}
}

// agentUser is whom the agent runs as.
func (p *patient) agentUser() (uid int, gids []int, name string) {
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

func owner(info fs.FileInfo) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf(", owner %d, group %d", s.Uid, s.Gid)
}

// Limits of free space.
const (
	diskFull  = 32 << 20 // bytes: the journal and its log need that to go on
	diskShort = 5        // percent
)

// lookAtDisk looks at the disks of state and drop folders.
func (p *patient) lookAtDisk(context.Context) {
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
		free, share := s.Bavail*uint64(s.Bsize), 100*s.Bavail/s.Blocks
		f := Finding{Cause: "disk-full", Subject: []string{subject}, Seen: fmt.Sprintf("%d MB of %d MB are free", free>>20, s.Blocks*uint64(s.Bsize)>>20), Rank: rankDisk, host: "disk"}
		switch {
		case free < diskFull:
			f.Text, f.Do = "the disk of "+path+" is full", "find what fills it: du -xh "+path+" | sort -h | tail; old logs and recordings first. Unacknowledged results are never deleted"
		case s.Files > 0 && s.Ffree == 0:
			f.Text, f.Seen, f.Do = "the disk of "+path+" can hold no more files", fmt.Sprintf("0 of %d inodes are free", s.Files), "delete files that nobody needs, those of done/ first"
		case share < diskShort:
			f.Cause, f.Text, f.Warning, f.Rank = "disk-short", "the disk of "+path+" is nearly full", true, rankWarning
			f.Do = "find what fills it before it stops the lane: du -xh " + path + " | sort -h | tail"
		default:
			continue
		}
		p.add(f)
	}
}

// clockLimit is how far the clock may be off before results of this lane cannot be put beside those of others.
const clockLimit = 2 * time.Second

// lookAtClock asks the time servers that the machine has.
func (p *patient) lookAtClock(ctx context.Context) {
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
				Cause: "clock-off", Subject: []string{"machine"}, Rank: rankClock, Text: fmt.Sprintf("the clock is %s", ahead(-off)),
				Seen: "time server " + server + " says " + time.Now().Add(off).UTC().Format(time.RFC3339),
				Do:   "start the time service: systemctl enable --now chrony; then chronyc makestep. Does the box's battery keep the time?",
			})
		}
		return
	}
	if p.status == nil || p.status.Clock.Synchronised {
		return
	}
	f := Finding{
		Cause: "clock-unsynchronised", Subject: []string{"machine"}, Warning: true, Rank: rankWarning, Text: "nothing keeps the clock right: its error is unknown",
		Seen: "the kernel says that it is not synchronised (adjtimex)", Do: "start the time service: systemctl enable --now chrony",
	}
	if len(servers) > 0 {
		f.Seen += "; no time server answered: " + strings.Join(servers, ", ")
	}
	p.add(f)
}

func ahead(d time.Duration) string {
	if d < 0 {
		return (-d).Round(time.Second).String() + " behind"
	}
	return d.Round(time.Second).String() + " ahead"
}

// machineTimeServers reads the servers that chrony, ntpd or timesyncd are configured with.
func machineTimeServers() (out []string) {
	for _, pattern := range []string{"/etc/chrony/chrony.conf", "/etc/chrony/sources.d/*.sources", "/etc/ntp.conf", "/etc/ntpsec/ntp.conf", "/etc/systemd/timesyncd.conf", "/etc/systemd/timesyncd.conf.d/*.conf"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			out = append(out, timeServers(file)...)
		}
	}
	return out
}

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
