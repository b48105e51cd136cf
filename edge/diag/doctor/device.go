package doctor

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"lanewarden/edge/lane"
	firmwareconfig "lanewarden/firmware-config"

	"lanewarden/drivers/message"
)

// checkDevices examines every device that is not running; all of them when the agent does not run.
// A device that the agent does not know was added to the file since its start.
func (p *examination) checkDevices(ctx context.Context) {
	if p.config == nil {
		return
	}
	var wg sync.WaitGroup
	for _, d := range p.config.Devices {
		var s *lane.Status
		if p.status != nil {
			i := slices.IndexFunc(p.status.Devices, func(s lane.Status) bool { return s.ID == d.ID })
			if i < 0 {
				p.add(Finding{Subject: []string{d.ID}, What: message.New("not-in-force")})
				continue
			}
			s = &p.status.Devices[i]
		}
		wg.Go(func() { p.checkDevice(ctx, d, s) })
	}
	wg.Wait()
}

// checkDevice examines one device. s is its state, nil when the agent does not run. Drop folders
// are looked at in any case: a device that runs may have delivered files that could not be read.
func (p *examination) checkDevice(ctx context.Context, d firmwareconfig.Device, s *lane.Status) {
	if s != nil && s.Maintenance != nil {
		return // whoever works on it knows
	}
	c := deviceCheck{examination: p, device: d, status: s}
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
		c.add(Finding{What: notRunning(s.State, d.ID), Seen: s.Message.Message()})
	}
}

// deviceCheck examines one device, on one goroutine.
type deviceCheck struct {
	*examination
	device firmwareconfig.Device
	status *lane.Status
	found  bool
}

// add adds a finding about the device.
func (c *deviceCheck) add(f Finding) {
	c.found = true
	f.Subject = []string{c.device.ID}
	c.examination.add(f)
}

// Times within which a device must answer, so that all devices are done within Limit.
const (
	dialTimeout = 3 * time.Second
	listenTime  = 2500 * time.Millisecond // to what a device says by itself
	tapeBack    = 2 * time.Minute
	sniffBytes  = 4096
)

// notRunning says in which state a device is that does not run, for want of a better finding.
func notRunning(state, device string) message.Message {
	of := message.String("device", device)
	switch state {
	case "silent":
		return message.New("device-silent", of)
	case "connecting":
		return message.New("device-connecting", of)
	case "stopped":
		return message.New("device-stopped", of)
	}
	return message.New("device-down", of)
}

// reach connects to HOST:PORT, and otherwise returns what hinders: the address, the name, the
// network or the port. The caller closes the connection.
func reach(ctx context.Context, where string) (net.Conn, *Finding) {
	host, port, err := net.SplitHostPort(where)
	if err != nil {
		return nil, &Finding{What: message.New("address", message.String("address", where)), Seen: message.Of(err)}
	}
	if net.ParseIP(host) == nil {
		if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
			return nil, &Finding{host: host, What: message.New("dns", message.String("host", host)), Seen: message.Of(err)}
		}
	}
	begin := time.Now()
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", where)
	if err == nil {
		return conn, nil
	}
	f := unreached(host, port, err)
	f.Seen = message.New("seen.after", message.Nested("error", message.Of(err)),
		message.ExactDuration("after", time.Since(begin)))
	return nil, f
}

// unreached explains why a port of a host was not reached. Findings with host set concern every
// device there, and are merged; a closed port is one device's.
func unreached(host, port string, err error) *Finding {
	at, of := message.String("host", host), message.String("port", port)
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Finding{What: message.New("port-closed", at, of)} // one port says nothing of another
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return &Finding{host: host, What: message.New("no-route", at)}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &Finding{host: host, What: message.New("no-answer", at, of)}
	}
	return &Finding{host: host, What: message.New("connect", at, of)}
}

// dial examines a device to which the agent connects: whether it can be reached, and what it sends.
// What is on the agent's tape counts before what is heard on this connection.
func (c *deviceCheck) dial(ctx context.Context, e firmwareconfig.Endpoint) {
	conn, f := reach(ctx, e.Where)
	if f != nil {
		c.add(*f)
		return
	}
	defer conn.Close()
	heard := c.tapedBytes(ctx)
	if len(heard) == 0 {
		heard = listen(conn)
	}
	c.evaluate(e, heard)
}

// tapedBytes returns the last bytes of the device on the agent's tape; nil when the agent does not
// run.
func (c *deviceCheck) tapedBytes(ctx context.Context) []byte {
	if c.examination.status == nil {
		return nil
	}
	return c.agent.tape(ctx, c.device.ID, tapeBack)
}

// listen returns what a device says by itself within listenTime, up to sniffBytes. It sends
// nothing: some devices would take any byte for a command.
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

// evaluate adds a finding about the bytes that a device sends, if there is anything to say. Bytes
// that the driver understands say nothing, except for a banner of another service.
func (c *deviceCheck) evaluate(e firmwareconfig.Endpoint, heard []byte) {
	if len(heard) > sniffBytes {
		heard = heard[len(heard)-sniffBytes:]
	}
	d := diagnose(heard)
	f := Finding{Seen: excerpt(heard)}
	at := message.String("address", e.Where)
	switch {
	case len(heard) == 0 && c.status != nil:
		f.What, f.Seen = message.New("silent", at), c.status.Message.Message()
	case len(heard) == 0:
		return // the agent is not there to ask it; many devices say nothing unasked
	case !d.banner.IsZero():
		f.What = message.New("wrong-device", at, message.Nested("what", d.banner))
	case c.status == nil || c.status.Faults == 0:
		return // nothing says that it is not understood
	case !d.parity.IsZero():
		f.What = message.New("parity", message.Nested("parity", d.parity))
	case d.noise:
		f.What = message.New("baud")
	default:
		f.What = message.New("format", message.String("driver", c.device.Driver), message.String("device", c.device.ID))
	}
	c.add(f)
}

// unclear examines a device that runs but is not always understood: damaged characters are a bad
// line.
func (c *deviceCheck) unclear(ctx context.Context) {
	heard := c.tapedBytes(ctx)
	if len(heard) == 0 {
		return // long ago
	}
	d := diagnose(heard[max(0, len(heard)-sniffBytes):])
	if d.share < noisyShare {
		return
	}
	c.add(Finding{
		What: message.New("noise", message.String("device", c.device.ID)),
		Seen: message.Join("; ", message.New("seen.faults", message.Count("n", c.status.Faults)), excerpt(heard)),
	})
}

// listen examines a port on which a device calls the agent, by trying to open it. That an agent
// that runs has it open is as it should be.
func (c *deviceCheck) listen(e firmwareconfig.Endpoint) {
	l, err := net.Listen("tcp", e.Where)
	if err == nil {
		l.Close()
		if c.status != nil && c.status.State == "down" {
			c.add(Finding{What: message.New("not-listening", message.String("address", e.Where)),
				Seen: c.status.Message.Message()})
		}
		return
	}
	at := message.String("address", e.Where)
	f := Finding{Seen: message.Of(err)}
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && (c.examination.status == nil || c.status.State == "down"):
		f.What = message.New("port-taken", at)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		f.What = message.New("no-such-address", at)
	case errors.Is(err, syscall.EACCES):
		f.What = message.New("port-permission", at)
	default:
		return
	}
	c.add(f)
}

// serial examines a serial line: that it is there, that the agent's user may open it, that no other
// program has it open, and what comes. The driver's own error says the latter two best.
func (c *deviceCheck) serial(ctx context.Context, e firmwareconfig.Endpoint) {
	var said message.Text
	if c.status != nil {
		said = c.status.Message
	}
	info, err := os.Stat(e.Where)
	line := message.String("line", e.Where)
	f := Finding{Seen: said.Message()}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		others, _ := filepath.Glob("/dev/serial/by-id/*")
		f.What, f.Seen = message.New("serial-missing", line), message.New("seen.no-lines")
		if len(others) > 0 {
			f.Seen = message.New("seen.lines", message.Names("lines", others))
		}
	case err != nil:
		f.What, f.Seen = message.New("serial", line), message.Of(err)
	case said.Code == "serial.denied" || c.status == nil && !c.mayWrite(info):
		_, _, name := c.agentUser()
		f.What, f.Seen = message.New("serial-permission", line, message.String("user", name)), mode(info)
	case said.Code == "serial.busy":
		f.What = message.New("serial-busy", line)
	case c.status == nil:
		return
	default:
		c.evaluate(e, c.tapedBytes(ctx))
		return
	}
	c.add(f)
}

// mayWrite reports whether the agent's user may write to a file.
func (c *deviceCheck) mayWrite(info fs.FileInfo) bool {
	uid, gids, _ := c.agentUser()
	return writable(info, uid, gids)
}

// broker examines whether the broker of a device's events can be reached; signing in is left to the
// driver.
func (c *deviceCheck) broker(ctx context.Context, e firmwareconfig.Endpoint) {
	_, where, _ := strings.Cut(e.Where, "://")
	conn, f := reach(ctx, where)
	if f != nil {
		c.add(*f)
		return
	}
	conn.Close()
}

// recent is the age up to which a file that could not be read counts as a present fault.
const recent = 24 * time.Hour

// folder examines a drop folder: that it is there, that the agent's user may write to it (files are
// moved to done/ and bad/), and why recent files were put aside.
func (c *deviceCheck) folder(e firmwareconfig.Endpoint) {
	info, err := os.Stat(e.Where)
	if err != nil {
		if c.examination.status != nil && !errors.Is(err, fs.ErrPermission) {
			c.add(Finding{What: message.New("folder", message.String("folder", e.Where)), Seen: message.Of(err)})
		}
		return
	}
	if !c.mayWrite(info) {
		_, _, name := c.agentUser()
		c.add(Finding{
			What: message.New("folder-permission", message.String("folder", e.Where), message.String("user", name)),
			Seen: mode(info),
		})
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
	newest := reasons[len(reasons)-1]
	text, _ := os.ReadFile(newest)
	c.add(Finding{
		What: message.New("bad-files", message.Count("n", len(reasons)),
			message.String("folder", filepath.Join(e.Where, "bad"))),
		Seen: message.New("within", message.String("where", filepath.Base(strings.TrimSuffix(newest, ".reason"))),
			message.String("cause", strings.TrimSpace(string(text)))),
	})
}
