(* Schedules under a memory: no schedule has a total latency below the volume bound. In whole numbers.

   A request that arrives at a makes o tokens, one a round. If it starts at S >= a, it makes its j-th token in the round that
   ends at time S + j, and holds s + j tokens of memory in that round. It completes at C = S + o. *)

Require Import List ZArith Lia Bool.
Import ListNotations.
Open Scope Z_scope.

Record request := Request { arrival : Z; prompt : Z; output : Z }.
Definition held (r : request) (start t : Z) := if (start <? t) && (t <=? start + output r) then prompt r + (t - start) else 0.
Fixpoint sum {X} (f : X -> Z) (xs : list X) := match xs with x :: xs => f x + sum f xs | [] => 0 end.

(* requests with their starts *)
Definition schedule := list (request * Z).
Definition fits (memory : Z) (rs : schedule) :=
  Forall (fun x => 0 <= arrival (fst x) <= snd x /\ 0 <= prompt (fst x) /\ 0 <= output (fst x)) rs /\
  forall t, sum (fun x => held (fst x) (snd x) t) rs <= memory.
Definition latency (rs : schedule) := sum (fun x => snd x + output (fst x) - arrival (fst x)) rs.

(* Twice the least work that any m of those that have arrived can have left, for m = 0, 1, ... *)
Definition volume r := 2 * prompt r * output r + output r * (output r + 1).   (* twice s o + o (o + 1) / 2 *)
Fixpoint joined (x before : Z) (F : list Z) := match F with [] => [before + x] | y :: F => Z.min y (before + x) :: joined x y F end.
Definition join x F := match F with [] => [] | y :: F => y :: joined x y F end.
Definition arrive (t : Z) (requests : list request) F := fold_left (fun F r => if arrival r =? t then join (volume r) F else F) requests F.
Definition serve (memory : Z) (F : list Z) := map (fun y => Z.max 0 (y - 2 * memory)) F.

(* how many can have completed: by their work, and each alone *)
Fixpoint last_zero (m found : Z) (F : list Z) := match F with [] => found | y :: F => last_zero (m + 1) (if y <=? 0 then m else found) F end.
Definition alone (t : Z) (requests : list request) := sum (fun r => if arrival r + output r <=? t then 1 else 0) requests.
Fixpoint waiting (memory : Z) (requests : list request) (rounds : nat) (t : Z) (F : list Z) := match rounds with
  | O => 0
  | S rounds => Z.of_nat (length requests) - Z.min (last_zero 0 0 F) (alone t requests)
      + waiting memory requests rounds (t + 1) (arrive (t + 1) requests (serve memory F))
  end.
Definition volume_bound memory requests rounds :=
  waiting memory requests rounds 0 (arrive 0 requests [0]) - sum arrival requests.

(* proof *)

Arguments Z.add : simpl never.
Arguments Z.sub : simpl never.
Arguments Z.mul : simpl never.
Arguments Z.max : simpl never.
Arguments Z.min : simpl never.
Arguments Z.of_nat : simpl never.
Arguments Z.to_nat : simpl never.

Definition clamp (r : request) (start t : Z) := Z.max 0 (Z.min (output r) (t - start)).
Definition left_ t (x : request * Z) := volume (fst x) - (2 * prompt (fst x) * clamp (fst x) (snd x) t + clamp (fst x) (snd x) t * (clamp (fst x) (snd x) t + 1)).

Fixpoint sel {X} (mask : list bool) (f : X -> Z) (rs : list X) := match mask, rs with b :: mask, r :: rs => (if b : bool then f r else 0) + sel mask f rs | _, _ => 0 end.
Fixpoint count (mask : list bool) : nat := match mask with b :: mask => ((if b then 1 else 0) + count mask)%nat | [] => O end.

Lemma left_step : forall t x, 0 <= prompt (fst x) -> 0 <= output (fst x) -> left_ (t + 1) x = left_ t x - 2 * held (fst x) (snd x) (t + 1).
Proof.
  intros t [r S] Hp Ho. unfold left_, held, clamp. cbn [fst snd] in *.
  destruct (S <? t + 1) eqn:E1, (t + 1 <=? S + output r) eqn:E2; cbn [andb]; rewrite ?Z.ltb_lt, ?Z.ltb_ge, ?Z.leb_le, ?Z.leb_gt in *.
  - rewrite (Z.min_r (output r) (t + 1 - S)), (Z.min_r (output r) (t - S)), !Z.max_r by lia. ring.
  - rewrite (Z.min_l (output r) (t + 1 - S)), (Z.min_l (output r) (t - S)) by lia. ring.
  - rewrite (Z.max_l 0 (Z.min _ (t + 1 - S))), (Z.max_l 0 (Z.min _ (t - S))) by lia. ring.
  - rewrite (Z.max_l 0 (Z.min _ (t + 1 - S))), (Z.max_l 0 (Z.min _ (t - S))) by lia. ring.
Qed.

Lemma left_positive : forall t x, 0 <= prompt (fst x) -> 0 <= output (fst x) -> 0 <= left_ t x.
Proof.
  intros t [r S] Hp Ho. unfold left_, volume. cbn [fst snd] in *.
  assert (0 <= clamp r S t <= output r) by (unfold clamp; lia). nia.
Qed.

Lemma left_new : forall t x, t <= snd x -> left_ t x = volume (fst x).
Proof. intros t [r S] H. unfold left_, clamp. cbn [fst snd] in *. rewrite Z.max_l by lia. ring. Qed.

Lemma left_done : forall t x, 0 <= output (fst x) -> snd x + output (fst x) <= t -> left_ t x = 0.
Proof. intros t [r S] Ho H. unfold left_, clamp, volume. cbn [fst snd] in *. rewrite Z.min_l, Z.max_r by lia. ring. Qed.

Lemma held_positive : forall r S t, 0 <= prompt r -> 0 <= held r S t.
Proof. intros r S t H. unfold held. destruct (S <? t) eqn:E, (t <=? S + output r); cbn [andb]; rewrite ?Z.ltb_lt, ?Z.ltb_ge in E; lia. Qed.

Lemma joined_spec : forall F x before k, length (joined x before F) = Datatypes.S (length F) /\
  nth O (joined x before F) 0 <= before + x /\
  ((k < length F)%nat -> nth k (joined x before F) 0 <= nth k F 0 /\ nth (Datatypes.S k) (joined x before F) 0 <= nth k F 0 + x).
Proof.
  induction F as [|y F IH]; intros x before k; simpl; [repeat split; lia|]. destruct (IH x y O) as (L & H0 & _).
  split; [lia|]. split; [lia|]. intro Hk. destruct k as [|k]; [split; [lia | exact H0]|].
  destruct (IH x y k) as (_ & _ & H). apply H. lia.
Qed.

Lemma join_spec : forall F x k, (k < length F)%nat ->
  length (join x F) = Datatypes.S (length F) /\ nth k (join x F) 0 <= nth k F 0 /\ nth (Datatypes.S k) (join x F) 0 <= nth k F 0 + x.
Proof.
  intros [|y F] x k H; simpl in *; [lia|]. destruct (joined_spec F x y O) as (L & H0 & _). split; [lia|].
  destruct k as [|k]; [split; [lia | exact H0]|]. destruct (joined_spec F x y k) as (_ & _ & H1).
  destruct (H1 ltac:(lia)) as (A & B). split; assumption.
Qed.

Fixpoint mask_ok {X} (P : X -> Prop) (mask : list bool) (rs : list X) := match mask, rs with
  | b :: mask, r :: rs => (b = true -> P r) /\ mask_ok P mask rs | [], [] => True | _, _ => False end.

Lemma arrive_spec : forall (rs : schedule) t F mask k, mask_ok (fun x => arrival (fst x) = t) mask rs -> (k < length F)%nat ->
  length (arrive t (map fst rs) F) = (length F + Z.to_nat (sum (fun x => if arrival (fst x) =? t then 1 else 0)%Z rs))%nat /\
  nth (k + count mask) (arrive t (map fst rs) F) 0 <= nth k F 0 + sel mask (fun x => volume (fst x)) rs.
Proof.
  assert (N : forall t (rs : schedule), 0 <= sum (fun x => if arrival (fst x) =? t then 1 else 0) rs).
  { induction rs as [|x rs IH]; simpl; [lia|]. destruct (arrival (fst x) =? t); lia. }
  induction rs as [|x rs IH]; intros t F [|b mask] k Hm Hk; simpl in *; try tauto; [rewrite !Nat.add_0_r; split; lia|].
  destruct Hm as (Hb & Hm). unfold arrive in *. simpl. specialize (N t rs). destruct (arrival (fst x) =? t) eqn:E.
  - destruct (join_spec F (volume (fst x)) k Hk) as (L & A & B). destruct b; simpl.
    + destruct (IH t (join (volume (fst x)) F) mask (Datatypes.S k) Hm ltac:(lia)) as (L' & H). split; [lia|].
      rewrite Nat.add_succ_r. simpl in H. lia.
    + destruct (IH t (join (volume (fst x)) F) mask k Hm ltac:(lia)) as (L' & H). split; [lia|]. lia.
  - destruct b; [rewrite Z.eqb_neq in E; specialize (Hb eq_refl); lia|]. destruct (IH t F mask k Hm Hk) as (L' & H). split; [lia|]. simpl. lia.
Qed.

Section Schedule.
Variables (memory : Z) (rs : schedule).
Hypothesis Hfits : fits memory rs.

(* no m that have arrived can have less left than F says *)
Definition lower t F := length F = Datatypes.S (Z.to_nat (sum (fun x => if arrival (fst x) <=? t then 1 else 0) rs)) /\
  forall mask, mask_ok (fun x => arrival (fst x) <= t) mask rs -> nth (count mask) F 0 <= sel mask (left_ t) rs.

Lemma count_below : forall (f : request * Z -> bool) mask (xs : schedule), mask_ok (fun x => f x = true) mask xs ->
  Z.of_nat (count mask) <= sum (fun x => if f x then 1 else 0) xs.
Proof.
  intros f. induction mask as [|b mask IH]; intros [|x xs] H; simpl in *; try tauto; try lia.
  destruct H as (Hb & H). specialize (IH xs H). destruct b; [rewrite (Hb eq_refl); lia|]. destruct (f x); lia.
Qed.

Lemma mask_le : forall X (P Q : X -> Prop) mask xs, (forall x, P x -> Q x) -> mask_ok P mask xs -> mask_ok Q mask xs.
Proof. induction mask; intros [|x xs] H HM; simpl in *; try tauto. destruct HM. split; auto. Qed.

Lemma sel_step : forall t mask (xs : schedule), Forall (fun x => 0 <= arrival (fst x) <= snd x /\ 0 <= prompt (fst x) /\ 0 <= output (fst x)) xs ->
  0 <= sel mask (left_ (t + 1)) xs /\ sel mask (left_ t) xs - 2 * sum (fun x => held (fst x) (snd x) (t + 1)) xs <= sel mask (left_ (t + 1)) xs
  /\ 0 <= sum (fun x => held (fst x) (snd x) (t + 1)) xs.
Proof.
  intros t mask xs H. revert mask. induction H as [|x xs (_ & Hp & Ho) H IH]; intros [|b mask]; simpl; try lia.
  - destruct (IH []) as (_ & _ & C). pose proof (held_positive (fst x) (snd x) (t + 1) Hp). lia.
  - destruct (IH mask) as (A & B & C). pose proof (held_positive (fst x) (snd x) (t + 1) Hp).
    pose proof (left_step t x Hp Ho). pose proof (left_positive (t + 1) x Hp Ho). destruct b; lia.
Qed.

(* those of a mask that have arrived before, and at t *)
Definition part_of (f : request * Z -> bool) (mask : list bool) := map (fun bx => fst bx && f (snd bx)) (combine mask rs).

Lemma parts : forall t mask, mask_ok (fun x => arrival (fst x) <= t + 1) mask rs ->
  let old := part_of (fun x => arrival (fst x) <=? t) mask in let new := part_of (fun x => arrival (fst x) =? t + 1) mask in
  mask_ok (fun x => arrival (fst x) <= t) old rs /\ mask_ok (fun x => arrival (fst x) = t + 1) new rs /\
  count mask = (count old + count new)%nat /\ sel mask (left_ (t + 1)) rs = sel old (left_ (t + 1)) rs + sel new (fun x => volume (fst x)) rs.
Proof.
  intros t. unfold part_of. destruct Hfits as (H & _). clear Hfits. induction H as [|x xs ((Ha & HS) & Hp & Ho) H IH]; intros [|b mask] Hm; simpl in *; try tauto.
  destruct Hm as (Hb & Hm). destruct (IH mask Hm) as (A & B & C & D). rewrite C, D. destruct b; simpl.
  - specialize (Hb eq_refl). destruct (arrival (fst x) <=? t) eqn:E1, (arrival (fst x) =? t + 1) eqn:E2;
      rewrite ?Z.leb_le, ?Z.leb_gt, ?Z.eqb_eq, ?Z.eqb_neq in *; try lia; simpl.
    + repeat split; auto; try discriminate; lia.
    + rewrite (left_new (t + 1) x) by lia. repeat split; auto; try discriminate; lia.
  - repeat split; auto; discriminate.
Qed.

Lemma lower_step : forall t F, lower t F -> lower (t + 1) (arrive (t + 1) (map fst rs) (serve memory F)).
Proof.
  intros t F (L & HF).
  assert (Ls : length (serve memory F) = length F) by (unfold serve; apply map_length).
  assert (N : forall (f : request * Z -> bool) (xs : schedule), 0 <= sum (fun x => if f x then 1 else 0) xs).
  { intros f. induction xs as [|x xs IH]; simpl; [lia|]. destruct (f x); lia. }
  split.
  - destruct (arrive_spec rs (t + 1) (serve memory F) (map (fun _ => false) rs) O) as (A & _); [|lia|].
    + clear. induction rs; simpl; auto. split; [discriminate|assumption].
    + rewrite A, Ls, L. pose proof (N (fun x => arrival (fst x) =? t + 1) rs). pose proof (N (fun x => arrival (fst x) <=? t) rs).
      assert (E : sum (fun x => if arrival (fst x) <=? t + 1 then 1 else 0) rs =
        sum (fun x => if arrival (fst x) <=? t then 1 else 0) rs + sum (fun x => if arrival (fst x) =? t + 1 then 1 else 0) rs).
      { clear. induction rs as [|x xs IH]; simpl; [lia|]. rewrite IH.
        destruct (arrival (fst x) <=? t + 1) eqn:E1, (arrival (fst x) <=? t) eqn:E2, (arrival (fst x) =? t + 1) eqn:E3;
          rewrite ?Z.leb_le, ?Z.leb_gt, ?Z.eqb_eq, ?Z.eqb_neq in *; lia. }
      rewrite E. lia.
  - intros mask Hm. destruct (parts t mask Hm) as (Ho & Hn & -> & ->).
    set (old := part_of (fun x => arrival (fst x) <=? t) mask) in *. set (new := part_of (fun x => arrival (fst x) =? t + 1) mask) in *.
    specialize (HF old Ho).
    assert (Hk : (count old < length F)%nat).
    { pose proof (count_below (fun x => arrival (fst x) <=? t) old rs) as C. rewrite L.
      assert (Z.of_nat (count old) <= sum (fun x => if arrival (fst x) <=? t then 1 else 0) rs).
      { apply C. apply (mask_le _ (fun x => arrival (fst x) <= t)); [|assumption]. intros x Hx. apply Z.leb_le. assumption. }
      lia. }
    destruct (arrive_spec rs (t + 1) (serve memory F) new (count old) Hn ltac:(lia)) as (_ & A).
    apply Z.le_trans with (1 := A). apply Z.add_le_mono_r.
    unfold serve. rewrite (nth_indep _ 0 (Z.max 0 (0 - 2 * memory))) by (rewrite map_length; assumption).
    rewrite map_nth with (f := fun y => Z.max 0 (y - 2 * memory)).
    destruct Hfits as (Hr & Hmem). destruct (sel_step t old rs Hr) as (P & Q & _). specialize (Hmem (t + 1)). lia.
Qed.

Lemma lower_start : lower 0 (arrive 0 (map fst rs) [0]).
Proof.
  assert (H0 : lower (-1) [0]).
  { destruct Hfits as (H & _). split.
    - clear Hfits. simpl. f_equal. induction H as [|x xs ((Ha & _) & _) H IH]; [reflexivity|]. simpl.
      destruct (arrival (fst x) <=? -1) eqn:E; [rewrite Z.leb_le in E; lia|]. assumption.
    - clear Hfits. intros mask. revert mask. induction H as [|x xs ((Ha & _) & _) H IH]; intros [|b mask] Hm; simpl in *; try tauto; [lia|].
      destruct Hm as (Hb & Hm). destruct b; [specialize (Hb eq_refl); lia|]. simpl. apply IH. assumption. }
  pose proof (lower_step (-1) [0] H0) as H1. change (-1 + 1) with 0 in H1.
  assert (E : arrive 0 (map fst rs) (serve memory [0]) = arrive 0 (map fst rs) [0]).
  { f_equal. unfold serve. simpl. f_equal. destruct Hfits as (Hr & Hm). destruct (sel_step 0 [] rs Hr) as (_ & _ & P). specialize (Hm (0 + 1)). lia. }
  rewrite E in H1. exact H1.
Qed.

Lemma last_zero_above : forall F m found k, (k < length F)%nat -> nth k F 0 <= 0 -> (found <= m) -> m + Z.of_nat k <= last_zero m found F.
Proof.
  assert (G : forall F m found, found <= m -> found <= last_zero m found F).
  { induction F as [|y F IH]; intros m found H; simpl; [lia|]. destruct (y <=? 0).
    - apply Z.le_trans with m; [assumption | apply IH; lia].
    - apply IH; lia. }
  induction F as [|y F IH]; intros m found k Hk H Hf; simpl in *; [lia|]. destruct k as [|k].
  - rewrite (proj2 (Z.leb_le y 0) H). pose proof (G F (m + 1) m ltac:(lia)). lia.
  - destruct (y <=? 0); [pose proof (IH (m + 1) m k ltac:(lia) H ltac:(lia)) | pose proof (IH (m + 1) found k ltac:(lia) H ltac:(lia))]; lia.
Qed.

Definition completed t := sum (fun x : request * Z => if snd x + output (fst x) <=? t then 1 else 0) rs.

Lemma completed_below : forall t F, lower t F -> completed t <= Z.min (last_zero 0 0 F) (alone t (map fst rs)).
Proof.
  intros t F (L & HF). destruct Hfits as (Hr & _). unfold completed, alone. apply Z.min_glb.
  - set (mask := map (fun x : request * Z => snd x + output (fst x) <=? t) rs).
    assert (E : sum (fun x : request * Z => if snd x + output (fst x) <=? t then 1 else 0) rs = Z.of_nat (count mask)).
    { unfold mask. clear. induction rs as [|x xs IH]; simpl; [lia|]. rewrite IH. destruct (snd x + output (fst x) <=? t); lia. }
    assert (Hm : mask_ok (fun x => arrival (fst x) <= t) mask rs /\ sel mask (left_ t) rs = 0).
    { unfold mask. clear - Hr. induction Hr as [|x xs ((_ & HS) & Hp & Ho) Hr IH]; simpl; [auto|]. destruct IH as (A & B). rewrite B.
      destruct (snd x + output (fst x) <=? t) eqn:D; [rewrite Z.leb_le in D; rewrite (left_done t x Ho D)|]; repeat split; auto; try discriminate; intros; lia. }
    destruct Hm as (Hm & Hs). specialize (HF mask Hm). rewrite Hs in HF.
    assert (Hk : (count mask < length F)%nat).
    { pose proof (count_below (fun x => arrival (fst x) <=? t) mask rs) as C. rewrite L.
      assert (Z.of_nat (count mask) <= sum (fun x => if arrival (fst x) <=? t then 1 else 0) rs).
      { apply C. apply (mask_le _ (fun x => arrival (fst x) <= t)); [|assumption]. intros x Hx. apply Z.leb_le. assumption. }
      lia. }
    rewrite E. pose proof (last_zero_above F 0 0 (count mask) Hk HF ltac:(lia)). lia.
  - clear - Hr. induction Hr as [|x xs ((_ & HS) & Hp & Ho) Hr IH]; simpl; [lia|].
    destruct (snd x + output (fst x) <=? t) eqn:D1, (arrival (fst x) + output (fst x) <=? t) eqn:D2; rewrite ?Z.leb_le, ?Z.leb_gt in *; lia.
Qed.

Definition after t := sum (fun x : request * Z => Z.max 0 (snd x + output (fst x) - t)) rs.

Lemma after_step : forall t, after t = Z.of_nat (length rs) - completed t + after (t + 1).
Proof.
  clear Hfits. intro t. unfold after, completed. induction rs as [|x xs IH]; [reflexivity|]. cbn [sum length]. rewrite Nat2Z.inj_succ, IH.
  destruct (snd x + output (fst x) <=? t) eqn:D; rewrite ?Z.leb_le, ?Z.leb_gt in *; lia.
Qed.

Lemma waiting_below : forall rounds t F, lower t F -> waiting memory (map fst rs) rounds t F <= after t.
Proof.
  induction rounds as [|rounds IH]; intros t F H; simpl.
  - unfold after. clear. induction rs as [|x xs IH]; simpl; lia.
  - rewrite after_step, map_length. pose proof (completed_below t F H). pose proof (IH _ _ (lower_step t F H)). lia.
Qed.

Theorem volume_below : forall rounds, volume_bound memory (map fst rs) rounds <= latency rs.
Proof.
  intro rounds. unfold volume_bound. pose proof (waiting_below rounds 0 _ lower_start) as H.
  assert (E : after 0 - sum arrival (map fst rs) = latency rs).
  { destruct Hfits as (Hr & _). unfold after, latency. clear - Hr. induction Hr as [|x xs ((Ha & HS) & Hp & Ho) Hr IH]; simpl; lia. }
  lia.
Qed.
End Schedule.

(* for exports: a schedule that is given keeps within the memory, round by round up to the last completion *)
Fixpoint within_rounds (memory : Z) (rs : schedule) (rounds : nat) : bool := match rounds with
  | O => true
  | Datatypes.S n => (sum (fun x => held (fst x) (snd x) (Z.of_nat (Datatypes.S n))) rs <=? memory) && within_rounds memory rs n
  end.
Definition keeps memory rs rounds := (0 <=? memory) && within_rounds memory rs rounds && forallb (fun x =>
  (0 <=? arrival (fst x)) && (arrival (fst x) <=? snd x) && (0 <=? prompt (fst x)) && (0 <=? output (fst x))
  && (snd x + output (fst x) <=? Z.of_nat rounds)) rs.

Lemma fits_by_rounds : forall rounds memory rs, keeps memory rs rounds = true -> fits memory rs.
Proof.
  intros rounds memory rs H. unfold keeps in H. rewrite !andb_true_iff, forallb_forall in H. destruct H as ((H0 & Hw) & H).
  rewrite Z.leb_le in H0.
  assert (Hr : Forall (fun x => 0 <= arrival (fst x) <= snd x /\ 0 <= prompt (fst x) /\ 0 <= output (fst x) /\ snd x + output (fst x) <= Z.of_nat rounds) rs).
  { apply Forall_forall. intros x Hx. specialize (H x Hx). rewrite !andb_true_iff, !Z.leb_le in H. tauto. }
  clear H. split; [eapply Forall_impl; [|exact Hr]; simpl; tauto|].
  assert (Out : forall t, t <= 0 \/ Z.of_nat rounds < t -> sum (fun x => held (fst x) (snd x) t) rs = 0).
  { intros t Ht. induction Hr as [|x xs (Ha & Hp & Ho & Hc) Hr IH]; [reflexivity|]. cbn [sum]. rewrite IH.
    - unfold held. destruct (snd x <? t) eqn:E1, (t <=? snd x + output (fst x)) eqn:E2; cbn [andb]; rewrite ?Z.ltb_lt, ?Z.leb_le in *; lia.
    - clear - Hw Ha Hp. induction rounds as [|n IHn]; [reflexivity|]. cbn [within_rounds sum] in *. rewrite !andb_true_iff in *. destruct Hw as (Hw & Hw').
      split; [|apply IHn; assumption]. rewrite Z.leb_le in *. pose proof (held_positive (fst x) (snd x) (Z.of_nat (Datatypes.S n)) Hp). lia. }
  intro t. destruct (Z_le_gt_dec t 0) as [T|T]; [rewrite Out; lia|]. destruct (Z_le_gt_dec t (Z.of_nat rounds)) as [U|U]; [|rewrite Out; lia].
  clear - Hw T U. induction rounds as [|n IH]; [lia|]. cbn [within_rounds] in Hw. rewrite andb_true_iff, Z.leb_le in Hw. destruct Hw as (Hw & Hw').
  destruct (Z.eq_dec t (Z.of_nat (Datatypes.S n))) as [->|N]; [assumption|]. apply IH; [assumption|lia].
Qed.

Lemma firsts : forall (requests : list request) (starts : list Z), length starts = length requests -> map fst (combine requests starts) = requests.
Proof. induction requests; intros [|s starts] E; simpl in *; try discriminate; [reflexivity|]. rewrite IHrequests by lia. reflexivity. Qed.
