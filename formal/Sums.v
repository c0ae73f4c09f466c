(* Sums over types and lists. *)

Require Import Lra Lia.
From formal Require Export Model.

Lemma total_snd : forall X Y (f : type -> Y -> R) ks (xs : list X) ys, length xs = length ys ->
  total f ks ys = total (fun k xy => f k (snd xy)) ks (combine xs ys).
Proof. induction ks; destruct xs, ys; simpl; intros; try discriminate; [reflexivity..|]. rewrite <- IHks; lia || reflexivity. Qed.

Lemma total_fst : forall X Y (f : type -> X -> R) ks (xs : list X) (ys : list Y), length xs = length ys ->
  total f ks xs = total (fun k xy => f k (fst xy)) ks (combine xs ys).
Proof. induction ks; destruct xs, ys; simpl; intros; try discriminate; [reflexivity..|]. rewrite <- IHks; lia || reflexivity. Qed.

Lemma total_sum : forall X a (f : type -> X -> R) a' g ks xs,
  a * total f ks xs + a' * total g ks xs = total (fun k x => a * f k x + a' * g k x) ks xs.
Proof. induction ks; destruct xs; simpl; intros; [ring..|]. rewrite <- IHks. ring. Qed.

Lemma total_scale : forall X a (f : type -> X -> R) ks xs, a * total f ks xs = total (fun k x => a * f k x) ks xs.
Proof. induction ks; destruct xs; simpl; intros; [ring..|]. rewrite <- IHks. ring. Qed.

Lemma total_plus : forall X (f g : type -> X -> R) ks xs, total f ks xs + total g ks xs = total (fun k x => f k x + g k x) ks xs.
Proof. induction ks; destruct xs; simpl; intros; [ring..|]. rewrite <- IHks. ring. Qed.

Lemma total_le : forall X (f g : type -> X -> R) ks xs,
  Forall2 (fun k x => f k x <= g k x) ks xs -> total f ks xs <= total g ks xs.
Proof. induction 1; simpl; lra. Qed.

Lemma total_eq : forall X (f g : type -> X -> R) ks xs, (forall k x, f k x = g k x) -> total f ks xs = total g ks xs.
Proof. induction ks; destruct xs; simpl; intros; [reflexivity..|]. rewrite H, (IHks xs) by assumption. reflexivity. Qed.

(* what depends on the types alone has the same sum with any list *)
Lemma total_const : forall X Y (f : type -> R) ks (xs : list X) (ys : list Y), length ks = length xs -> length ks = length ys ->
  total (fun k _ => f k) ks xs = total (fun k _ => f k) ks ys.
Proof. induction ks; destruct xs, ys; simpl; intros; try discriminate; [reflexivity|]. rewrite (IHks xs ys); lia || reflexivity. Qed.

Lemma pair_up : forall X Y (P : type -> X -> Prop) (Q : type -> Y -> Prop) ks xs ys,
  Forall2 P ks xs -> Forall2 Q ks ys -> Forall2 (fun k xy => P k (fst xy) /\ Q k (snd xy)) ks (combine xs ys).
Proof. induction ks; intros xs ys HP HQ; inversion HP; inversion HQ; subst; simpl; constructor; auto. Qed.

Lemma with_types : forall X (P : type -> Prop) (Q : type -> X -> Prop) ks xs,
  Forall P ks -> Forall2 Q ks xs -> Forall2 (fun k x => P k /\ Q k x) ks xs.
Proof. induction 2; inversion H; subst; constructor; auto. Qed.

Lemma all_types : forall X (P : type -> Prop) ks (xs : list X), Forall P ks -> length ks = length xs -> Forall2 (fun k _ => P k) ks xs.
Proof. intros X P ks xs H. revert xs. induction H; destruct xs; simpl; intros; try discriminate; constructor; auto. Qed.

Lemma weaken : forall X (P Q : type -> X -> Prop) ks xs, (forall k x, P k x -> Q k x) -> Forall2 P ks xs -> Forall2 Q ks xs.
Proof. induction 2; auto. Qed.

Lemma same_length : forall X Y (P : X -> Y -> Prop) ks xs, Forall2 P ks xs -> length ks = length xs.
Proof. induction 1; simpl; congruence. Qed.
