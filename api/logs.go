package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// NoTail asks for nothing of what is in the logs already.
const NoTail = -1

// LogsQuery says which output [Client.Logs] returns.
type LogsQuery struct {
	// Step and Attempt narrow it down; "" means all in order.
	Step, Attempt string
	// Rank picks a rank's log where a training has several; nil means the
	// first that there is.
	Rank *int
	// Follow goes on until the job has ended.
	Follow bool
	// Tail begins that many lines before the end of each log; 0 means all, and
	// [NoTail] what comes from now on.
	Tail int
	// Resume goes on where [Log.Place] said that an earlier one was.
	Resume string
}

// Logs returns what the steps of a job printed. Where it comes from several
// files, a line "==> train.1/rank_0.log <==" begins each. A daemon that
// restarts in place meanwhile is not noticed. The caller closes it.
func (c *Client) Logs(ctx context.Context, job string, q LogsQuery) (*Log, error) {
	v := url.Values{}
	setText(v, "step", q.Step)
	setText(v, "attempt", q.Attempt)
	if q.Rank != nil {
		v.Set("rank", strconv.Itoa(*q.Rank))
	}
	setBool(v, "follow", q.Follow)
	setInt(v, "tail", int64(q.Tail))
	l := &Log{ctx: ctx, client: c, path: jobPath(job) + "/logs", query: v, at: q.Resume}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

// Log is what the steps of a job printed, as it comes. It is an [io.Reader]
// that one goroutine may use.
type Log struct {
	ctx    context.Context //nolint:containedctx // of the one request that it is
	client *Client
	path   string
	query  url.Values

	answer *http.Response
	text   *bufio.Reader
	pieces bool   // the answer comes in pieces
	at     string // the place after all that was handed out
	next   string // the place after piece
	piece  []byte // read whole, and not handed out yet
}

// maxPiece is the largest piece that is read; the daemon's are far smaller.
const maxPiece = 16 << 20

func (l *Log) open() error {
	setText(l.query, "resume", l.at)
	// No older daemon knows pieces: it sends the text.
	answer, err := l.client.do(l.ctx, http.MethodGet, l.path, l.query, nil, http.Header{"Accept": {LogPieces}}) //nolint:bodyclose // closed by Close or the next open
	if err != nil {
		return err
	}
	if l.answer != nil {
		l.answer.Body.Close()
	}
	l.answer, l.text = answer, bufio.NewReaderSize(answer.Body, 64<<10)
	l.pieces = answer.Header.Get("Content-Type") == LogPieces
	return nil
}

// Place is where the log goes on after all that was read, for
// [LogsQuery.Resume]; "" if the daemon does not say or nothing was read yet.
func (l *Log) Place() string { return l.at }

// Resumable says whether a log that broke off can be gone on with: the daemon
// says where that would be.
func (l *Log) Resumable() bool { return l.pieces }

// Read hands out what came. A piece that did not come whole is left out, and so
// read again by who goes on at Place.
func (l *Log) Read(p []byte) (int, error) {
	for {
		n, err := l.read(p)
		if n > 0 || err == nil {
			return n, nil
		}
		if !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, l.client.broken(l.ctx, err)
		}
		at := l.answer.Trailer.Get(HeaderResume)
		if at == "" {
			return 0, io.EOF
		}
		l.at = at
		if err := l.open(); err != nil {
			return 0, err
		}
	}
}

func (l *Log) read(p []byte) (int, error) {
	if !l.pieces {
		return l.text.Read(p)
	}
	for len(l.piece) == 0 {
		if err := l.readPiece(); err != nil {
			return 0, err
		}
	}
	n := copy(p, l.piece)
	if l.piece = l.piece[n:]; len(l.piece) == 0 {
		l.at = l.next
	}
	return n, nil
}

func (l *Log) readPiece() error {
	line, err := l.text.ReadString('\n')
	if err != nil {
		if line != "" {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	place, length, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	size, err := strconv.Atoi(length)
	if err != nil || size < 0 || size > maxPiece {
		return Errorf(CodeInternal, "the daemon sent a piece of a log that begins with %.100q", line)
	}
	piece := make([]byte, size)
	if _, err := io.ReadFull(l.text, piece); err != nil {
		return io.ErrUnexpectedEOF
	}
	l.next, l.piece = place, piece
	return nil
}

// Close ends it.
func (l *Log) Close() error { return l.answer.Body.Close() }
