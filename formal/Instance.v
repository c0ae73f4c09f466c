(* What exported files share: the bound of one instance from a number for each type, and the tactics that prove the numbers. *)

Require Export Lra.
Require Import Lia.
From formal Require Export ExactTactic Bound.

(* open all definitions but those of the reals, at once: Coq then compares what was with what is, and nothing between *)
Ltac open := cbv -[IZR Q2R Z.pow_pos pow Rplus Rminus Rmult Rdiv Ropp Rinv Rmax exp ln Rle Rlt not].
(* an inequality between numbers, in so many bits *)
Ltac num_in bits := open; first [exact I | numbers bits | lra].

(* every number of a list lies in its list of intervals, each of them a goal of `tac` *)
Ltac each tac := match goal with
  | |- Forall _ [] => apply Forall_nil
  | |- Forall _ (_ :: _) => apply Forall_cons; [tac | each tac]
  | |- Forall2 _ [] [] => apply Forall2_nil
  | |- Forall2 _ (_ :: _) (_ :: _) => apply Forall2_cons; [tac | each tac]
  end.

(* x may be any number between these two *)
Ltac between x low high := let H := fresh "H" in assert (H : low <= x <= high) by lra; revert H; generalize x; intros ? H.

(* a number below each type's share of the bound *)
Definition part T W L M Z k o x :=
  (0 <= zeta o /\ least_holds k (gain T W k o) (slope T W L M Z k o) (at_ o)) /\ x <= prior k * bracket T W L M Z k o.

Lemma total_from : forall X (f : type -> X -> R) ks os xs,
  Forall2 (fun ko x => x <= f (fst ko) (snd ko)) (combine ks os) xs -> fold_right Rplus 0 xs <= total f ks os.
Proof.
  induction ks; destruct os; intros xs H; inversion H; subst; simpl; try lra.
  apply IHks in H4. simpl in *. lra.
Qed.

Lemma from_pairs : forall X (P : type -> X -> Prop) ks os, length ks = length os ->
  Forall (fun ko => P (fst ko) (snd ko)) (combine ks os) -> Forall2 P ks os.
Proof. induction ks; destruct os; simpl; intros E H; try discriminate; constructor; inversion H; auto. Qed.

Lemma first_of : forall X Y (P : X -> Prop) (Q : X -> Y -> Prop) ks xs, Forall2 (fun k x => P k /\ Q k x) ks xs ->
  Forall P ks /\ Forall2 Q ks xs.
Proof. induction 1; [auto|]. destruct H, IHForall2. auto. Qed.

Section Instance.
Variables (T : targets) (W : workload) (L : form) (M : multipliers) (z0 : R) (os : list offer) (xs : list R) (low high : R).

Record proof_of (most : R) : Prop := Proof_of {
  its_proper : proper W;
  its_law : obeys W L;
  its_multipliers : not_negative M;
  its_tilts : map tilt os = tilts os (of_rows M) (rows T);
  its_length : length (types W) = length os;
  its_coupling : low <= Z_of L W z0 os <= high;
  its_parts : forall Z, low <= Z <= high -> Forall2 (fun ko x => part T W L M Z (fst ko) (snd ko) x) (combine (types W) os) xs;
  its_sum : forall Z, low <= Z <= high ->
    accuracy_weight T W * mean (fun k _ => A k + D k) W os - delay_constant L W (e T M) z0 Z + charges T W M os
      - fold_right Rplus 0 xs <= most }.

Theorem most_of_all : forall most, proof_of most -> holds T W L M z0 os /\ upper T W L M z0 os <= most.
Proof.
  intros most [HW Ho HM Ht El HZ Hk Hsum]. specialize (Hk _ HZ). specialize (Hsum _ HZ).
  destruct (first_of _ _ (fun ko => 0 <= zeta (snd ko) /\ least_holds (fst ko) (gain T W (fst ko) (snd ko))
    (slope T W L M (Z_of L W z0 os) (fst ko) (snd ko)) (at_ (snd ko))) _ _ _ Hk) as (Hh & Hx).
  split.
  - split; [assumption|]. split; [assumption|]. apply from_pairs; assumption.
  - apply Rle_trans with (2 := Hsum). unfold upper, upper_at. apply Rplus_le_compat_l, Ropp_le_contravar.
    apply total_from. exact Hx.
Qed.

Theorem certified : forall most, proof_of most -> forall ls, feasible W ls -> meets T W ls -> J_of T W ls <= most.
Proof.
  intros most H ls Hf HT. destruct (most_of_all most H) as (Hh & Hm). destruct H as [HW Ho _ _ _ _ _ _].
  apply Rle_trans with (2 := Hm). apply bound; assumption.
Qed.
End Instance.
