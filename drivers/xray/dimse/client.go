package dimse

import (
	"bufio"
	"bytes"
	gocontext "context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"lanewarden/drivers/observation/coded"
)

// Client is the sending side of an association, a storage SCU: simulated X-ray systems use it. Not for concurrent
// use.
type Client struct {
	conn      net.Conn
	r         *bufio.Reader
	contexts  []context
	maxLength uint32      // bytes of a P-DATA-TF PDU that the peer takes; 0 for no limit
	message   uint16      // id of the last command
	stop      func() bool // detaches the connection from Dial's ctx
}

// Offer is a class and the transfer syntax in which its objects will come, both as UIDs. Each becomes a presentation
// context of its own, so that the peer can refuse a syntax and take another.
type Offer struct{ Class, Syntax string }

// Dial makes an association with the peer at address, HOST:PORT. ctx bounds all of it: when it ends, the connection
// is broken off. calling and called are AE titles of at most 16 characters. At most 128 offers fit, their ids being
// odd. A peer that rejects gives ErrRejected; one that accepts the association but not a context shows at Store. The
// caller owes a Close.
func Dial(ctx gocontext.Context, address, calling, called string, offers ...Offer) (*Client, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := &Client{conn: conn, r: bufio.NewReader(conn)}
	c.stop = gocontext.AfterFunc(ctx, func() { conn.Close() })
	for i, o := range offers {
		c.contexts = append(c.contexts, context{id: byte(2*i + 1), class: o.Class, syntaxes: []string{o.Syntax}})
	}
	if err := c.associate(calling, called); err != nil {
		return nil, errors.Join(err, c.abort())
	}
	return c, nil
}

// ErrRejected means that the peer takes no association from us: result, source and reason (PS3.8, 9.3.4) are in the
// wrapping error's text. Result 2 is transient, and worth another try.
var ErrRejected = coded.Errorf("dimse.association-rejected", "association rejected")

// associate sends the request and reads the peer's results into the contexts.
func (c *Client) associate(calling, called string) error {
	body := make([]byte, fixedLength)
	body[1] = 1
	copy(body[4:20], fmt.Sprintf("%-16s", called))
	copy(body[20:36], fmt.Sprintf("%-16s", calling))
	body = appendItem(body, itemApplication, []byte(application)...)
	for _, o := range c.contexts {
		item := appendItem([]byte{o.id, 0, 0, 0}, itemAbstract, []byte(o.class)...)
		item = appendItem(item, itemTransfer, []byte(o.syntaxes[0])...)
		body = appendItem(body, itemContextRQ, item...)
	}
	body = appendItem(body, itemUser, userItems()...)
	if err := c.conn.SetDeadline(time.Now().Add(dataTimeout)); err != nil {
		return err
	}
	if err := writePDU(c.conn, pduAssociateRQ, body); err != nil {
		return err
	}
	kind, answer, err := c.pdu()
	switch {
	case err != nil:
		return err
	case kind == pduAssociateRJ && len(answer) == 4:
		return coded.Errorf("dimse.rejected-because",
			"%w: result %d, source %d, reason %d", ErrRejected, answer[1], answer[2], answer[3])
	case kind != pduAssociateAC || len(answer) < fixedLength:
		return protocolError("dimse.pdu-type-answers-association",
			"PDU of type %02x answers an association request", kind)
	}
	return items(answer[fixedLength:], func(kind byte, body []byte) error {
		switch {
		case kind == itemContextAC && len(body) >= 4:
			for i := range c.contexts {
				if c.contexts[i].id == body[0] {
					c.contexts[i].result = body[2]
				}
			}
		case kind == itemUser:
			r := request{}
			err := items(body, r.user)
			c.maxLength = r.maxLength
			return err
		}
		return nil
	})
}

// pdu reads a whole PDU, of at most maxAssociate bytes.
func (c *Client) pdu() (kind byte, body []byte, err error) {
	kind, n, err := readHeader(c.r)
	if err != nil {
		return 0, nil, err
	}
	body = make([]byte, n)
	_, err = io.ReadFull(c.r, body)
	return kind, body, err
}

// Store sends an object and returns what the peer answers, with its comment. Only Success says that the peer has it.
// o.CallingAE and o.Peer are not used. An error means that no answer came, or that no offer of Dial for o's class
// and syntax was accepted; after the former the association is of no more use.
func (c *Client) Store(o Object) (Status, string, error) {
	var use *context
	for i := range c.contexts {
		if c.contexts[i].class == o.Class && c.contexts[i].syntaxes[0] == o.Syntax.UID {
			use = &c.contexts[i]
		}
	}
	if use == nil || use.result != 0 {
		return 0, "", coded.Errorf("dimse.peer-does-not-take",
			"the peer does not take class %s in %s", o.Class, o.Syntax.UID)
	}
	c.message++
	set := commandSet(
		field{0x0002, []byte(o.Class)}, field{0x0100, u16(cmdStoreRQ)}, field{0x0110, u16(c.message)},
		field{0x0700, u16(0)},
		field{0x0800, u16(noDataSet - 1)}, field{0x1000, []byte(o.Instance)})
	if err := c.fragments(use.id, controlCommand, bytes.NewReader(set)); err != nil {
		return 0, "", err
	}
	if err := c.fragments(use.id, 0, o.Data); err != nil {
		return 0, "", err
	}
	return c.answer()
}

// fragments sends a command or data set in P-DATA-TF PDUs of one fragment each. It reads one byte ahead, because the
// last fragment must be marked when it is sent; an empty r is sent as one empty fragment.
func (c *Client) fragments(id, control byte, r io.Reader) error {
	size := maxData
	if c.maxLength > 6 {
		size = min(size, int(c.maxLength))
	}
	ahead := bufio.NewReaderSize(r, size)
	b := make([]byte, size-6)
	for {
		n, err := io.ReadFull(ahead, b)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		if _, err := ahead.Peek(1); err == io.EOF {
			control |= controlLast
		} else if err != nil {
			return err
		}
		if err := c.conn.SetDeadline(time.Now().Add(dataTimeout)); err != nil {
			return err
		}
		head := binary.BigEndian.AppendUint32(nil, uint32(n+2))
		if err := writePDU(c.conn, pduData, append(head, id, control), b[:n]); err != nil {
			return err
		}
		if control&controlLast != 0 {
			return nil
		}
	}
}

// answer reads the answer to a message. It relies on one fragment in a PDU, which is how Server sends.
func (c *Client) answer() (Status, string, error) {
	var set []byte
	for {
		kind, body, err := c.pdu()
		switch {
		case err != nil:
			return 0, "", err
		case kind == pduAbort:
			return 0, "", errAborted
		case kind != pduData || len(body) < 6:
			return 0, "", protocolError("dimse.pdu-type-answers-message", "PDU of type %02x answers a message", kind)
		}
		set = append(set, body[6:]...)
		if len(set) > maxCommand {
			return 0, "", protocolError("dimse.answer-longer-than-bytes", "answer is longer than %d bytes", maxCommand)
		}
		if body[5]&controlLast != 0 {
			reply, err := decodeCommand(set)
			return reply.status, reply.comment, err
		}
	}
}

// Close releases the association (PS3.8, 9.3.6), waits for the peer to confirm, and closes the connection in any
// case.
func (c *Client) Close() error {
	defer c.stop()
	err := writePDU(c.conn, pduReleaseRQ, make([]byte, 4))
	if err == nil {
		_, _, err = c.pdu()
	}
	return errors.Join(err, c.conn.Close())
}

// abort breaks off without a word.
func (c *Client) abort() error {
	c.stop()
	return c.conn.Close()
}
