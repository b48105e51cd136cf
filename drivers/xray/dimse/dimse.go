// Package dimse receives DICOM objects over the network (PS3.7, PS3.8): associations in, objects as streams out, and
// the answer to each goes back only after its receiver is done with it. C-STORE and C-ECHO.
package dimse

import (
	"bufio"
	gocontext "context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"lanewarden/drivers/transport/accept"
	"lanewarden/drivers/xray/dicom"
)

// Verification is the class of C-ECHO.
const Verification = "1.2.840.10008.1.1"

// Classes are the DICOS storage classes (NEMA IIC 1): CT, DX for presentation and for processing, TDR, AIT 2D and 3D,
// quadrupole resonance.
var Classes = []string{
	"1.2.840.10008.5.1.4.1.1.501.1", "1.2.840.10008.5.1.4.1.1.501.2.1", "1.2.840.10008.5.1.4.1.1.501.2.2",
	"1.2.840.10008.5.1.4.1.1.501.3",
	"1.2.840.10008.5.1.4.1.1.501.4", "1.2.840.10008.5.1.4.1.1.501.5", "1.2.840.10008.5.1.4.1.1.501.6",
}

const (
	implementationUID  = "2.25.109874563214569874123698547412563"
	implementationName = "LANEWARDEN"

	idleTimeout  = 5 * time.Minute // between messages of an association
	dataTimeout  = time.Minute     // between fragments of a message, and for a write
	maxAccepted  = 16              // associations at once
	readerBuffer = 64 << 10
)

// Object is an object that a peer stores. Data is its data set, without preamble and meta group.
type Object struct {
	Class, Instance string // SOP class and instance UID, as the command names them
	Syntax          dicom.Syntax
	CallingAE, Peer string
	Data            io.Reader // fails when the peer breaks off; what was read then is not an object
}

// Server is a receiver.
type Server struct {
	AETitle string   // ours; "" answers to any
	Classes []string // accepted beside Verification; nil for Classes
	// Prefer reports whether a transfer syntax is better than one that is only kept; nil for no preference.
	Prefer func(uid string) bool
	TLS    *tls.Config
	// Store takes an object and returns when it is durable. A *dicom.FormatError is answered with C000, any other error
	// with A700.
	Store func(ctx gocontext.Context, o Object) error
	Log   *slog.Logger
	Tap   func(net.Conn) net.Conn // sees each connection, inside TLS; may be nil
}

// Serve accepts associations on l until ctx ends; it closes l, and has ended all associations when it returns.
func (s *Server) Serve(ctx gocontext.Context, l net.Listener) error {
	if s.TLS != nil {
		l = tls.NewListener(l, s.TLS)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, maxAccepted)
	err := accept.InTurn(ctx, l, func(conn net.Conn) {
		if s.Tap != nil {
			conn = s.Tap(conn)
		}
		select {
		case slots <- struct{}{}:
		default:
			s.Log.Warn("too many associations", "peer", conn.RemoteAddr().String())
			wg.Go(func() { s.refuseBusy(conn) })
			return
		}
		wg.Go(func() {
			defer func() { <-slots }()
			s.serve(ctx, conn)
		})
	})
	return errors.Join(err, ctx.Err())
}

// Results, sources and reasons of A-ASSOCIATE-RJ (PS3.8, 9.3.4).
var (
	rejectVersion = []byte{0, 1, 2, 2} // permanent; protocol version not supported
	rejectContext = []byte{0, 1, 1, 2} // permanent; application context not supported
	rejectAETitle = []byte{0, 1, 1, 7} // permanent; called AE title not recognised
	rejectBusy    = []byte{0, 2, 3, 2} // transient; local limit exceeded
)

func (s *Server) refuseBusy(conn net.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Second))
	if _, n, err := readHeader(conn); err == nil { // closing with the request unread would reset the answer away
		io.CopyN(io.Discard, conn, int64(n))
		writePDU(conn, pduAssociateRJ, rejectBusy)
	}
}

// serve runs one association.
func (s *Server) serve(ctx gocontext.Context, conn net.Conn) {
	stop := gocontext.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	a := &association{Server: s, conn: conn, r: bufio.NewReaderSize(conn, readerBuffer),
		peer: conn.RemoteAddr().String()}
	err := a.run(ctx)
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, errAborted) || errors.Is(err, io.EOF):
		s.Log.Info("association ended by its peer", "peer", a.peer, "calling", a.calling)
	default:
		s.Log.Warn("association failed", "peer", a.peer, "calling", a.calling, "err", err)
		conn.SetDeadline(time.Now().Add(time.Second))
		writePDU(conn, pduAbort, []byte{0, 0, 2, 0})
	}
}

var errAborted = errors.New("aborted by the peer")

// association is one association, from its request to its release.
type association struct {
	*Server
	conn          net.Conn
	r             *bufio.Reader
	peer, calling string
	contexts      map[byte]context
	maxLength     uint32
}

func (a *association) run(ctx gocontext.Context) error {
	if ok, err := a.negotiate(); err != nil || !ok {
		return err
	}
	left := uint32(0) // bytes of the last PDU that belong to the next message
	for {
		m := &message{a: a, patience: idleTimeout, pdu: left}
		cmd, err := m.command()
		if errors.Is(err, errReleased) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := a.answer(ctx, m, cmd); err != nil {
			return err
		}
		left = m.pdu
	}
}

// negotiate reads the request and accepts or rejects it.
func (a *association) negotiate() (ok bool, err error) {
	if err := a.conn.SetDeadline(time.Now().Add(dataTimeout)); err != nil {
		return false, err
	}
	kind, n, err := readHeader(a.r)
	if err != nil {
		return false, err
	}
	if kind != pduAssociateRQ {
		return false, protocolError("PDU of type %02x stands where an association request should", kind)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(a.r, body); err != nil {
		return false, err
	}
	r, err := decodeRequest(body)
	if err != nil {
		return false, err
	}
	a.calling, a.maxLength = r.calling, r.maxLength
	reject := func(reason []byte, why string) (bool, error) {
		a.Log.Warn("association rejected", "peer", a.peer, "calling", r.calling, "called", r.called, "why", why)
		return false, writePDU(a.conn, pduAssociateRJ, reason)
	}
	switch {
	case r.version&1 == 0:
		return reject(rejectVersion, fmt.Sprintf("protocol version %d", r.version))
	case !r.applicationKnown:
		return reject(rejectContext, "application context is not DICOM's")
	case a.AETitle != "" && r.called != a.AETitle:
		return reject(rejectAETitle, fmt.Sprintf("we are %q", a.AETitle))
	}
	a.contexts = map[byte]context{}
	for i := range r.contexts {
		a.choose(&r.contexts[i])
		a.contexts[r.contexts[i].id] = r.contexts[i]
	}
	return true, writePDU(a.conn, pduAssociateAC, r.accept())
}

// choose accepts a context with the first of the offered syntaxes that is preferred, else with the first that is read.
func (a *association) choose(c *context) {
	classes := a.Classes
	if classes == nil {
		classes = Classes
	}
	c.syntax = dicom.ImplicitLE // of a rejected context it does not matter
	if c.class != Verification && !slices.Contains(classes, c.class) {
		c.result = 3 // abstract syntax not supported
		return
	}
	c.result = 4 // transfer syntaxes not supported
	for _, uid := range c.syntaxes {
		if _, known := dicom.SyntaxOf(uid); !known {
			continue
		}
		preferred := a.Prefer == nil || a.Prefer(uid)
		if c.result != 0 || preferred {
			c.syntax, c.result = uid, 0
		}
		if preferred {
			return
		}
	}
}

// answer carries out a command and sends its reply.
func (a *association) answer(ctx gocontext.Context, m *message, cmd command) error {
	context, accepted := a.contexts[m.context]
	if !accepted || context.result != 0 {
		return protocolError("message on presentation context %d, which was not accepted", m.context)
	}
	status, comment := Unrecognised, "only C-STORE and C-ECHO are served"
	switch {
	case cmd.field == cmdEchoRQ:
		status = Success
	case cmd.field == cmdStoreRQ && cmd.dataSet && cmd.class != context.class:
		status, comment = NotSupported, "the class is not that of the presentation context"
	case cmd.field == cmdStoreRQ && cmd.dataSet:
		var err error
		if status, comment, err = a.store(ctx, m, cmd, context); err != nil {
			return err
		}
	}
	if cmd.dataSet {
		if _, err := io.Copy(io.Discard, m); err != nil { // what the receiver left
			return err
		}
	}
	return a.send(m.context, cmd.reply(status, comment))
}

// store hands an object over. An error is the association's; what the receiver says becomes the status.
func (a *association) store(ctx gocontext.Context, m *message, cmd command, c context) (Status, string, error) {
	syntax, _ := dicom.SyntaxOf(c.syntax)
	err := a.Store(ctx, Object{Class: cmd.class, Instance: cmd.instance, Syntax: syntax, CallingAE: a.calling,
		Peer: a.peer, Data: m})
	var bad *dicom.FormatError
	switch {
	case m.err != nil && !errors.Is(m.err, io.EOF):
		return 0, "", m.err
	case err == nil:
		return Success, "", nil
	case errors.As(err, &bad):
		return CannotUnderstand, bad.Error(), nil
	}
	a.Log.Error("object was not stored", "peer", a.peer, "instance", cmd.instance, "err", err)
	return OutOfResources, err.Error(), nil
}

// send sends a command set in as many fragments as the peer's limit asks for.
func (a *association) send(id byte, set []byte) error {
	if err := a.conn.SetWriteDeadline(time.Now().Add(dataTimeout)); err != nil {
		return err
	}
	part := len(set)
	if a.maxLength != 0 {
		part = min(part, max(int(a.maxLength)-6, 16))
	}
	for len(set) > 0 {
		n := min(part, len(set))
		control := byte(1)
		if n == len(set) {
			control |= 2
		}
		head := []byte{0, 0, byte((n + 2) >> 8), byte(n + 2), id, control}
		if err := writePDU(a.conn, pduData, head, set[:n]); err != nil {
			return err
		}
		set = set[n:]
	}
	return nil
}
