(* The least value of one type's bracket, G e^(-b l) + r l over 0 <= l <= cap, in closed form: `Curve.least` of the checkers. *)

Require Import Lra Psatz.
From formal Require Export Delay.

Inductive corner := Zero | Inside | Cap.   (* where the least value is *)

Definition least k (G r : R) (at_ : corner) : R :=
  match at_ with
  | Zero => G
  | Inside => r / b k * (1 + ln (G * b k / r))
  | Cap => G * exp (- b k * cap k) + r * cap k
  end.
(* when that is a lower bound; `Inside`, the least of all real l, always is *)
Definition least_holds k (G r : R) (at_ : corner) : Prop :=
  match at_ with
  | Zero => G * b k <= r
  | Inside => 0 < r
  | Cap => r <= G * b k * exp (- b k * cap k)
  end.

Lemma exp_above : forall u, 1 + u <= exp u.
Proof. intro u. destruct (Req_dec u 0) as [->|N]; [rewrite exp_0; lra | left; apply exp_ineq1; assumption]. Qed.

Lemma exp_above_strict : forall u, u <> 0 -> 1 + u < exp u.
Proof. exact exp_ineq1. Qed.

(* the tangent of G e^(-b l) at any a *)
Lemma tangent : forall G bb l a, 0 <= G -> G * exp (- bb * a) * (1 + bb * a - bb * l) <= G * exp (- bb * l).
Proof.
  intros G bb l a HG.
  replace (- bb * l) with (- bb * a + (bb * a - bb * l)) by ring. rewrite exp_plus.
  pose proof (exp_above (bb * a - bb * l)). pose proof (exp_pos (- bb * a)).
  rewrite Rmult_assoc. apply Rmult_le_compat_l; [assumption|]. apply Rmult_le_compat_l; lra.
Qed.

Theorem least_below : forall k G r at_ l, 0 < G -> 0 < b k -> 0 <= l <= cap k -> least_holds k G r at_ ->
  least k G r at_ <= G * exp (- b k * l) + r * l.
Proof.
  intros k G r at_ l HG Hb Hl H. destruct at_; simpl in *.
  - pose proof (tangent G (b k) l 0 ltac:(lra)) as T. rewrite Rmult_0_r, exp_0 in T. nra.
  - assert (Hx : 0 < G * b k / r) by (apply Rdiv_lt_0_compat; nra).
    pose proof (tangent G (b k) l (ln (G * b k / r) / b k) ltac:(lra)) as T.
    replace (- b k * (ln (G * b k / r) / b k)) with (- ln (G * b k / r)) in T by (field; lra).
    rewrite exp_Ropp, exp_ln in T by assumption.
    replace (G * / (G * b k / r) * (1 + b k * (ln (G * b k / r) / b k) - b k * l))
      with (r / b k * (1 + ln (G * b k / r)) - r * l) in T by (field; lra). lra.
  - pose proof (tangent G (b k) l (cap k) ltac:(lra)) as T.
    set (e := G * exp (- b k * cap k)) in *. replace (G * b k * exp (- b k * cap k)) with (b k * e) in H by (unfold e; ring).
    nra.
Qed.
