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

	"lanewarden/drivers/observation/coded"
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

// The UID is the one that package dicom writes into files: peers see one implementation (PS3.7, D.3.3.2).
const (
	implementationUID  = "2.25.109874563214569874123698547412563"
	implementationName = "LANEWARDEN"

	idleTimeout  = 5 * time.Minute // between messages: systems keep an association open from truck to truck
	dataTimeout  = time.Minute     // between fragments of a message, and for a write
	maxAccepted  = 16              // associations at once
	readerBuffer = 64 << 10        // bytes; half of a largest PDU
)

// Object is an object that a peer stores. It is valid until Store returns. Nothing of it is checked against the data
// set: that the UIDs of the command and those in the data set agree is for the receiver to see.
type Object struct {
	Class, Instance string       // SOP class and instance UID, as the command names them
	Syntax          dicom.Syntax // of Data, as it was negotiated
	CallingAE, Peer string       // the AE title that the peer gives itself, unproven; its address, HOST:PORT
	// Data is the data set, without preamble and meta group. io.EOF comes after the peer's last fragment only; with any
	// other error the peer has broken off, and what was read is not an object.
	Data io.Reader
}

// Server is a storage SCP (PS3.4, B) that also answers C-ECHO. Its fields are set before Serve and not changed
// after.
type Server struct {
	AETitle string   // ours, up to 16 characters; "" answers to any
	Classes []string // accepted beside Verification; nil for Classes
	// Prefer reports whether a transfer syntax is better than one that is only kept; nil for no preference.
	Prefer func(uid string) bool
	TLS    *tls.Config
	// Store takes an object and returns when it is durable; only then the peer hears of success, and may delete its
	// copy. A *dicom.FormatError is answered with C000, which tells the peer not to send it again, any other error
	// with A700, upon which it should. What Store does not read of Data is passed over. It is called for several
	// associations at once, in each for one object after another; ctx ends with that of Serve.
	Store func(ctx gocontext.Context, o Object) error
	Log   *slog.Logger
	Tap   func(net.Conn) net.Conn // wraps each connection, inside TLS, to record it; nil for none
}

// Serve accepts associations on l until ctx ends; it closes l, and has ended all associations when it returns. Open
// ones are broken off then, without A-ABORT. The error is never nil: it holds ctx's, and the listener's if that
// failed. An association that fails is logged and ends alone.
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

// Results, sources and reasons of A-ASSOCIATE-RJ (PS3.8, 9.3.4), its body of 4 bytes: reserved, result (1 permanent,
// 2 transient), source (1 service user, 2 ACSE, 3 presentation layer), and the reason, whose meaning goes by the
// source.
var (
	rejectVersion = []byte{0, 1, 2, 2} // permanent; protocol version not supported
	rejectContext = []byte{0, 1, 1, 2} // permanent; application context not supported
	rejectAETitle = []byte{0, 1, 1, 7} // permanent; called AE title not recognised
	rejectBusy    = []byte{0, 2, 3, 2} // transient; local limit exceeded
)

// refuseBusy rejects the association that is one too many, within a second: "transient" tells the peer to come
// again.
func (s *Server) refuseBusy(conn net.Conn) {
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Second))
	if _, n, err := readHeader(conn); err == nil { // closing with the request unread would reset the answer away
		io.CopyN(io.Discard, conn, int64(n))
		writePDU(conn, pduAssociateRJ, rejectBusy)
	}
}

// serve runs one association. Upon a breach of the protocol it sends A-ABORT, whose body is two reserved bytes, the
// source (2, service provider) and the reason (0, not specified).
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

// errAborted means that the peer sent A-ABORT, which it may at any moment (PS3.8, 9.3.8). No fault is made of it.
var errAborted = coded.Errorf("dimse.aborted-by-peer", "aborted by the peer")

// association is one association, from its request to its release. One goroutine reads and answers: of asynchronous
// operations (PS3.7, D.3.3.3) none are negotiated, so a peer waits for each answer before it sends the next command.
type association struct {
	*Server
	conn          net.Conn
	r             *bufio.Reader
	peer, calling string           // for the log: HOST:PORT, and the AE title that the peer gives itself
	contexts      map[byte]context // by id, the rejected ones among them
	maxLength     uint32           // bytes of a P-DATA-TF PDU that the peer takes; 0 for no limit
}

// run returns nil when the peer has released the association, or when it was rejected.
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

// negotiate reads the request and accepts or rejects it. ok is false for a rejected one. The request must come
// within dataTimeout, the standard's ARTIM timer (PS3.8, 9.1.5).
func (a *association) negotiate() (ok bool, err error) {
	if err := a.conn.SetDeadline(time.Now().Add(dataTimeout)); err != nil {
		return false, err
	}
	kind, n, err := readHeader(a.r)
	if err != nil {
		return false, err
	}
	if kind != pduAssociateRQ {
		return false, protocolError("dimse.pdu-type-stands-where",
			"PDU of type %02x stands where an association request should", kind)
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

// choose accepts a context with the first of the offered syntaxes that is preferred, else with the first that is
// read. The order of the offer is the peer's wish, but a syntax whose pixels can be rendered is worth more to the
// lane. Results are those of PS3.8, table 9-18.
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

// answer carries out a command and sends its reply. A command that is not served is answered with 0211 and costs
// only itself; one on a context that was not accepted ends the association.
func (a *association) answer(ctx gocontext.Context, m *message, cmd command) error {
	context, accepted := a.contexts[m.context]
	if !accepted || context.result != 0 {
		return protocolError("dimse.message-on-presentation-context",
			"message on presentation context %d, which was not accepted", m.context)
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

// store hands an object over. An error is the association's; what the receiver says becomes the status and its
// comment. When the peer has broken off, no status is due, whatever the receiver made of what it read.
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

// send sends a command set in as many fragments as the peer's limit asks for: 6 bytes of a PDU are the fragment's
// header. A limit too small to carry anything is taken as 22 bytes.
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
