package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/dustin/go-humanize/english"

	"lanewarden/edge/lane"
	firmwareconfig "lanewarden/firmware-config"
)

// lookAtDevices looks at every device that is not well, at all of them when the agent does not run.
func (p *patient) lookAtDevices(ctx context.Context) {
	if p.config == nil {
		return
	}
	var wg sync.WaitGroup
	for _, d := range p.config.Devices {
		var s *lane.Status
		if p.status != nil {
			i := slices.IndexFunc(p.status.Devices, func(s lane.Status) bool { return s.ID == d.ID })
			if i < 0 {
				p.add(Finding{Cause: "not-in-force", Subject: []string{d.ID}, Warning: true, Rank: rankWarning, Text: "the lane file has this device, the running agent does not", Do: "systemctl restart laned"})
				continue
			}
			s = &p.status.Devices[i]
		}
		wg.Go(func() { p.lookAtDevice(ctx, d, s) })
	}
	wg.Wait()
}

func (p *patient) lookAtDevice(ctx context.Context, d firmwareconfig.Device, s *lane.Status) {
	c := complaint{patient: p, device: d, status: s}
	for _, e := range d.Endpoints() {
		if e.Kind == firmwareconfig.Drop {
			c.folder(e)
		}
	}
	if s != nil && s.State == "running" {
		if s.Faults > 0 {
			c.unclear(ctx)
		}
		c.ownSettings(ctx)
		return
	}
	for _, e := range d.Endpoints() {
		switch e.Kind {
		case firmwareconfig.Dials:
			c.dial(ctx, e)
		case firmwareconfig.Listens:
			c.listen(e)
		case firmwareconfig.Line:
			c.serial(ctx, e)
		case firmwareconfig.Broker:
			c.broker(ctx, e)
		}
	}
	if s != nil && !c.found { // what the driver says is better than nothing
		c.add(Finding{Cause: "device-" + s.State, Text: "the device is " + s.State, Seen: s.Reason, Do: "see what it says: lanectl tail --device " + d.ID, Rank: rankEffect})
	}
}

// complaint is one device that is looked at.
type complaint struct {
	*patient
	device firmwareconfig.Device
	status *lane.Status
	found  bool
}

func (c *complaint) add(f Finding) {
	c.found = true
	f.Subject = []string{c.device.ID}
	if f.Rank == 0 {
		f.Rank = rankDevice
	}
	c.patient.add(f)
}

const (
	dialTimeout = 3 * time.Second
	listenTime  = 2500 * time.Millisecond // to what a device says by itself
	tapeBack    = 2 * time.Minute
	sniffBytes  = 4096
)

// reach connects to HOST:PORT, and words what hinders.
func reach(ctx context.Context, where string) (net.Conn, *Finding) {
	host, port, err := net.SplitHostPort(where)
	if err != nil {
		return nil, &Finding{Cause: "address", Text: where + " is no address: HOST:PORT", Seen: err.Error(), Do: "mend it in the lane file"}
	}
	if net.ParseIP(host) == nil {
		if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
			return nil, &Finding{
				Cause: "dns", host: host, Rank: rankNetwork, Text: "the name " + host + " cannot be resolved", Seen: err.Error(),
				Do: "is the name right? Does the name server answer (getent hosts " + host + ")? An address instead of a name needs none",
			}
		}
	}
	begin := time.Now()
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", where)
	if err == nil {
		return conn, nil
	}
	f := &Finding{Seen: fmt.Sprintf("%v, after %s", err, time.Since(begin).Round(time.Millisecond)), host: host}
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Cause, f.Text = "port-closed", "the machine at "+host+" is up, but nothing listens at port "+port
		f.Do = "is the device's service started, is " + port + " its port? A device that takes one client only may be held by another: lanectl status on other boxes, vendor's software"
		f.host = "" // one port says nothing of another
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		f.Cause, f.Rank, f.Text = "no-route", rankNetwork, "there is no way from here to "+host
		f.Do = "is our own cable in (ip link), does the box have its address (ip addr) and a route (ip route get " + host + ")? Is the device switched on?"
	case errors.As(err, &timeout) && timeout.Timeout():
		f.Cause, f.Text = "no-answer", "nobody answers at "+host
		f.Do = "power and cable of the device, the switch's lamps; is " + host + " its address; does a firewall swallow port " + port + "? Try: ping " + host
	default:
		f.Cause, f.Text, f.Do = "connect", "no connection to "+where, "see the reason"
	}
	return nil, f
}

// dial looks at a device to which the agent connects.
func (c *complaint) dial(ctx context.Context, e firmwareconfig.Endpoint) {
	conn, f := reach(ctx, e.Where)
	if f != nil {
		c.add(*f)
		return
	}
	defer conn.Close()
	heard := c.heard(ctx)
	if len(heard) == 0 {
		heard = listen(conn)
	}
	c.judge(e, heard)
}

// heard is what the tape has of the device.
func (c *complaint) heard(ctx context.Context) []byte {
	if c.patient.status == nil {
		return nil
	}
	return c.agent.tape(ctx, c.device.ID, tapeBack)
}

// listen reads what a device says by itself.
func listen(conn net.Conn) []byte {
	buf := make([]byte, sniffBytes)
	n := 0
	_ = conn.SetReadDeadline(time.Now().Add(listenTime))
	for n < len(buf) {
		k, err := conn.Read(buf[n:])
		n += k
		if err != nil {
			break
		}
	}
	return buf[:n]
}

// judge says what is wrong with a device by what it says.
func (c *complaint) judge(e firmwareconfig.Endpoint, heard []byte) {
	if len(heard) > sniffBytes {
		heard = heard[len(heard)-sniffBytes:]
	}
	d := diagnose(heard)
	seen := excerpt(heard)
	switch {
	case len(heard) == 0 && c.status != nil:
		c.add(Finding{Cause: "silent", Text: "the device at " + e.Where + " takes the connection and says nothing", Seen: c.status.Reason, Do: "is it on and past its start, is this its data port (not its web page or its console)? Serial-to-network converters take the connection also when the line behind them is dead: its cable, its speed"})
	case len(heard) == 0:
		return // the agent is not there to ask it; many devices say nothing unasked
	case d.banner != "":
		c.add(Finding{Cause: "wrong-device", Text: "at " + e.Where + " is something else: " + d.banner, Seen: seen, Do: "is the address, or the port, that of another device? Were two cables exchanged?"})
	case c.status == nil || c.status.Faults == 0:
		return // nothing says that it is not understood
	case d.parity != "":
		c.add(Finding{Cause: "parity", Text: "the line's settings are wrong: the device sends " + d.parity, Seen: seen, Do: "set data_bits: 7 and the parity in the lane file, or on the converter or the device: 8 data bits, no parity"})
	case d.noise:
		c.add(Finding{Cause: "baud", Text: "what comes is no text of any kind: the speed of the line is wrong", Seen: seen, Do: "compare baud with the device's manual or menu, usual are 9600, 4800, 19200; a converter has a speed of its own"})
	default:
		c.unclearText(seen)
	}
}

// unclear looks at a device that runs but is not always understood.
func (c *complaint) unclear(ctx context.Context) {
	heard := c.heard(ctx)
	if len(heard) == 0 {
		return // long ago
	}
	d := diagnose(heard[max(0, len(heard)-sniffBytes):])
	if d.share < noisyShare {
		return
	}
	c.add(Finding{
		Cause: "noise", Warning: true, Rank: rankWarning, Text: "some of what the device sends is damaged on its way",
		Seen: fmt.Sprintf("%d %s since the agent's start; %s", c.status.Faults, english.PluralWord(int(c.status.Faults), "fault", ""), excerpt(heard)), Do: "cable, plugs, earthing and length of the line; lanectl tail --device " + c.device.ID + " shows the faults",
	})
}

func (c *complaint) unclearText(seen string) {
	c.add(Finding{
		Cause: "format", Text: "what the device sends is not what its driver " + c.device.Driver + " reads", Seen: seen,
		Do: "is it the device that the lane file says, in the output format of its manual? lanectl tail --device " + c.device.ID + " says why each line was not understood",
	})
}

// listen looks at a port on which a device calls us.
func (c *complaint) listen(e firmwareconfig.Endpoint) {
	l, err := net.Listen("tcp", e.Where)
	if err == nil {
		l.Close()
		if c.status != nil && c.status.State == "down" {
			c.add(Finding{Cause: "device-down", Text: "the agent does not listen on " + e.Where, Seen: c.status.Reason, Do: "see the reason"})
		}
		return
	}
	f := Finding{Seen: err.Error()}
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && (c.patient.status == nil || c.status.State == "down"):
		f.Cause, f.Text, f.Do = "port-taken", "another program has the port "+e.Where+", on which the device is to call", "which one: ss -ltnp; stop it, or give the device another port"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		f.Cause, f.Text, f.Do = "address", "the machine has no address "+e.Where, "ip addr shows those that it has; mend listen in the lane file, or the machine's network"
	case errors.Is(err, syscall.EACCES):
		f.Cause, f.Text, f.Do = "port-permission", "the agent's user may not listen on "+e.Where, "take a port above 1023, or give the service CAP_NET_BIND_SERVICE"
	default:
		return
	}
	c.add(f)
}

// serial looks at a serial line.
func (c *complaint) serial(ctx context.Context, e firmwareconfig.Endpoint) {
	reason := ""
	if c.status != nil {
		reason = c.status.Reason
	}
	info, err := os.Stat(e.Where)
	f := Finding{Seen: reason}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		others, _ := filepath.Glob("/dev/serial/by-id/*")
		f.Cause, f.Text, f.Seen = "serial-missing", "there is no serial line "+e.Where, "present: "+orNone(others)
		f.Do = "is the adapter plugged in? After a change of sockets its name may be another: take one of /dev/serial/by-id/"
	case err != nil:
		f.Cause, f.Text, f.Seen, f.Do = "serial", "the line "+e.Where+" cannot be used", err.Error(), "see the reason"
	case strings.Contains(reason, "permission denied") || c.status == nil && !c.mayWrite(info):
		_, _, name := c.agentUser()
		f.Cause, f.Rank, f.Text, f.Seen = "serial-permission", rankPermission, "the agent may not open "+e.Where, info.Mode().String()+owner(info)
		f.Do = "usermod -aG dialout " + name + ", then restart the agent"
	case strings.Contains(reason, "another program has"):
		f.Cause, f.Text, f.Do = "serial-busy", "another program has the line "+e.Where+" open", "which one: fuser -v "+e.Where+"; a terminal program left open, or ModemManager?"
	case c.status == nil:
		return
	default:
		c.judge(e, c.heard(ctx))
		return
	}
	c.add(f)
}

func (c *complaint) mayWrite(info fs.FileInfo) bool {
	uid, gids, _ := c.agentUser()
	return writable(info, uid, gids)
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// broker looks at a broker from which a device's events come.
func (c *complaint) broker(ctx context.Context, e firmwareconfig.Endpoint) {
	_, where, _ := strings.Cut(e.Where, "://")
	conn, f := reach(ctx, where)
	if f != nil {
		c.add(*f)
		return
	}
	conn.Close()
}

// recent is how long a bad file says something about today.
const recent = 24 * time.Hour

// folder looks at a drop folder.
func (c *complaint) folder(e firmwareconfig.Endpoint) {
	info, err := os.Stat(e.Where)
	if err != nil {
		if c.patient.status != nil && !errors.Is(err, fs.ErrPermission) {
			c.add(Finding{Cause: "folder", Text: "the drop folder " + e.Where + " is gone", Seen: err.Error(), Do: "is the share mounted? The agent makes the folder anew when it starts"})
		}
		return
	}
	if !c.mayWrite(info) {
		_, _, name := c.agentUser()
		c.add(Finding{Cause: "folder-permission", Rank: rankPermission, Text: "the agent may not move files in " + e.Where, Seen: info.Mode().String() + owner(info), Do: "chown " + name + " " + e.Where})
	}
	reasons, err := filepath.Glob(filepath.Join(e.Where, "bad", "*.reason"))
	if err != nil {
		return
	}
	reasons = slices.DeleteFunc(reasons, func(path string) bool {
		info, err := os.Stat(path)
		return err != nil || time.Since(info.ModTime()) > recent
	})
	if len(reasons) == 0 {
		return
	}
	text, _ := os.ReadFile(reasons[len(reasons)-1])
	c.add(Finding{
		Cause: "bad-files", Warning: true, Rank: rankWarning, Text: fmt.Sprintf("%d %s of the last day could not be read", len(reasons), english.PluralWord(len(reasons), "file", "")),
		Seen: filepath.Base(strings.TrimSuffix(reasons[len(reasons)-1], ".reason")) + ": " + strings.TrimSpace(string(text)), Do: "they are in " + filepath.Join(e.Where, "bad") + ", each with its reason; move one back to have it read again",
	})
}
