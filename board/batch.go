package board

// The statuses of a Result.
const (
	resultApplied   = "applied"
	resultUnchanged = "unchanged"
	resultRefused   = "refused"
	resultConflict  = "conflict"
)

// decideBatch decides TypeBatch (M11): the parts in order, each on the result of the one
// before, as one entry; the layouts are normalised once at the end.
func (d *draft) decideBatch() Decision {
	d.batch = d.op
	switch n, most := len(d.op.Operations), d.env.Limits.Operations; {
	case n == 0:
		return refuse(Errorf(CodeBadMessage, "the batch has no operations: send one at least"))
	case n > most:
		return refuse(Errorf(CodeLimitExceeded, "the batch has %d operations and may have %d: send several", n, most).Over(LimitOperations))
	}
	results := make([]Result, len(d.op.Operations))
	passed := 0
	for i, op := range d.op.Operations {
		d.index = i
		results[i] = d.part(op)
		if d.exhausted != nil {
			return refuse(d.exhausted)
		}
		if s := results[i].Status; s == resultApplied || s == resultUnchanged {
			passed++
		}
	}
	switch {
	case len(d.need.Deleted) > 0 || d.need.Layouts > 0:
		need := d.need
		return Decision{Need: &need}
	case passed == 0 || d.op.Atomic && passed < len(results):
		err := Errorf(CodeBatchRefused, "%d of %d operations cannot be applied, so none was: see results", len(results)-passed, len(results))
		err.Results, err.Limit = results, d.over
		return refuse(err)
	case passed < len(results):
		d.inexact = true
	}
	d.report.Results = results
	return d.finish(TypeBatch)
}

// part decides one part. What a part notes before it is refused is taken back.
func (d *draft) part(op *Op) Result {
	before := *d
	var out outcome
	switch op.Type {
	case TypeUpdate, TypeDelete, TypeLayout, TypeLayoutRestore, TypeSettings, TypeResolved:
		out = d.decide(op)
	default:
		out = refused(Errorf(CodeBadMessage, "an operation of type %q cannot be part of a batch: send it alone", op.Type))
	}
	if out.refusal != nil && d.over == "" {
		d.over = out.refusal.Limit
	}
	if out.refusal != nil || out.conflict != nil {
		d.overwrote, d.report = before.overwrote, before.report
		d.stale, d.blind, d.inexact = before.stale, before.blind, before.inexact
	}
	switch {
	case out.refusal != nil:
		return Result{Status: resultRefused, Code: out.refusal.Code, Message: out.refusal.Message, Path: out.refusal.Path}
	case out.conflict != nil:
		return Result{Status: resultConflict, Code: CodeConflict, Conflict: out.conflict}
	case out.unchanged:
		return Result{Status: resultUnchanged}
	}
	return Result{Status: resultApplied}
}
